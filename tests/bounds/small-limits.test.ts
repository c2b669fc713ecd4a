/**
 * A server whose every bound is tiny: what a bound evicts, forgets or holds back, no promise depends on it. Refusals for
 * want of room are allowed; a client that sends again gets through.
 */
import { expect, test } from "vitest";
import { CellRun } from "../first-message/cell-run.ts";
import { cellsOf } from "../first-message/matrix.ts";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { COUNT_LIMITS } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import type { Answer, Outgoing, WireClient } from "../harness/wire-client.ts";

const SMALL_BYTES = {
  "limits.frameBytesMax": "16KiB",
  "limits.payloadBytesMax": "4KiB",
  "limits.sessionSendBytesMax": "16KiB",
  "limits.outboxBytesMax": "256KiB",
  "limits.channelCacheBytesMax": "64KiB",
  "limits.conversationCacheBytesMax": "64KiB",
  "limits.commitBatchBytesMax": "64KiB",
  "limits.commitWriteBytesMax": "64KiB",
  "limits.commitQueueBytesMax": "256KiB",
  "limits.fanOutBytesMax": "64KiB",
};
const MORE = 250;
/** One thing may be ten batches for the disk: more at once would be refused for want of room. */
const AT_ONCE = 8;
const ACCEPTED = 1;
const NO_ROOM = 22;

const shared = sharedServer({
  settings: { ...Object.fromEntries(COUNT_LIMITS.map((key) => [key, 100])), ...SMALL_BYTES },
});

function names(prefix: string, count: number = MORE): string[] {
  const base = uniqueId(prefix);
  return Array.from({ length: count }, (_, index) => `${base}n${index}`);
}

/** Sends what found no room again, under its own number, until everything is accepted; the seqs in the order of the list. */
async function sendAll(client: WireClient, list: readonly Outgoing[]): Promise<number[]> {
  const numbered = list.map((outgoing) => ({ ...outgoing, clientMsgNo: outgoing.clientMsgNo ?? uniqueId("c") }));
  const seqs = new Map<string, number>();
  await eventually(
    async () => {
      const left = numbered.filter(({ clientMsgNo }) => !seqs.has(clientMsgNo));
      for (const answer of await client.burst(left)) note(answer, seqs);
      return seqs.size === numbered.length;
    },
    `all ${list.length} messages of ${client.uid} are accepted`,
    30_000,
  );
  return numbered.map(({ clientMsgNo }) => seqs.get(clientMsgNo) ?? 0);
}

function note(answer: Answer, seqs: Map<string, number>): void {
  if (answer.outcome !== "answered") throw new Error(`a SEND got no answer: ${answer.outcome}`);
  if (answer.reason === ACCEPTED) seqs.set(answer.clientMsgNo, answer.messageSeq);
  else expect(answer.reason).toBe(NO_ROOM);
}

/** A message of the back end, as a back end sends it: again when it is told that there is no room. */
async function say(from: string, to: string, type: number, text: string): Promise<void> {
  const clientMsgNo = uniqueId("c");
  await eventually(
    async () => (await shared.current.backEnd.send({ from, to, type, text, clientMsgNo })).reason === ACCEPTED,
    `"${text}" is accepted`,
  );
}

test.each(["none", "SIGKILL"] as const)(
  "tiny bounds: cells of the first-message matrix, restart %s",
  async (restart) => {
    const server = shared.current;
    const cells = cellsOf(true, restart).filter((_, index) => index % 4 === 0);
    const runs = cells.map((cell) => new CellRun(cell, server));
    const accounts = runs.filter(({ cell }) => cell.sender.endsWith("system account")).map(({ sender }) => sender);
    await server.http.ask("/user/systemuids_add", { uids: accounts });
    await inParallel(runs, AT_ONCE, (run) => run.prepare());
    await inParallel(runs, AT_ONCE, async (run) => {
      await run.act();
      await run.leave();
    });
    if (restart !== "none") await server.restart(restart);
    await inParallel(runs, AT_ONCE, (run) => run.check());
  },
);

test(`tiny bounds: a group of ${MORE} members, all of them online, and all of them find what was said`, async () => {
  const server = shared.current;
  const [group, members] = [uniqueId("g"), names("m")];
  await server.backEnd.createGroup(group, members);
  const clients: WireClient[] = [];
  await inParallel(members, AT_ONCE, async (uid) => {
    clients.push(await server.connect(uid));
  });
  expect(await server.backEnd.onlineStatus(members)).toHaveLength(MORE);
  const [speaker] = clients;
  if (speaker === undefined) throw new Error("nobody is there");
  const wanted = names("text", 20);
  const seqs = await sendAll(
    speaker,
    wanted.map((payload) => ({ to: group, type: GROUP, payload })),
  );
  expect(new Set(seqs).size).toBe(wanted.length);
  await inParallel(clients, AT_ONCE, async (client) => {
    if (client === speaker) return;
    expect(new Set(texts(await client.takeSome(wanted.length)))).toEqual(new Set(wanted));
    expect(await server.backEnd.chatOf(client.uid, group, GROUP)).toMatchObject({ unread: wanted.length });
  });
  for (const client of clients) client.close();
  await eventually(async () => (await server.http.post("/user/onlinestatus", members)).text === "[]", "all are gone");
});

test(`tiny bounds: a list of ${MORE} chats of persons and groups, while ${MORE} others page through theirs`, async () => {
  const { backEnd } = shared.current;
  const [uid, others] = [uniqueId("u"), names("o")];
  const expected: string[] = [];
  await inParallel(others, AT_ONCE, async (other, index) => {
    await say(other, uid, PERSON, "to you");
    if (index % 5 !== 0) return;
    await backEnd.createGroup(`g${other}`, [uid, other]);
    await say(other, `g${other}`, GROUP, "to all");
    expected.push(`g${other}`);
  });
  expected.push(...others);
  const pageOf = async (reader: string): Promise<string[]> =>
    (await backEnd.syncPages(reader, 40)).flat().map((chat) => chat.channel_id);
  const [mine] = await Promise.all([
    pageOf(uid),
    inParallel(others, AT_ONCE, async (other, index) => {
      expect((await pageOf(other)).toSorted()).toEqual(index % 5 === 0 ? [`g${other}`, uid].toSorted() : [uid]);
    }),
  ]);
  expect(mine.toSorted()).toEqual(expected.toSorted());
});

test("tiny bounds: 2,000 messages of one session into 500 chats are each answered, and each is stored once", async () => {
  const server = shared.current;
  const [sender, receivers] = [uniqueId("s"), names("r", 500)];
  using client = await server.connect(sender);
  const list = [0, 1, 2, 3].flatMap((round) =>
    receivers.map((to) => ({ to, type: PERSON, payload: `${round}`.padEnd(500, ".") })),
  );
  await sendAll(client, list);
  await inParallel(receivers, AT_ONCE, async (receiver) => {
    const history = await server.backEnd.history(receiver, sender, PERSON);
    expect(history.map((message) => message.message_seq)).toEqual([1, 2, 3, 4]);
    expect(new Set(texts(history)).size).toBe(4);
    expect(await server.backEnd.chatOf(receiver, sender)).toMatchObject({ unread: 4 });
  });
});

test("tiny bounds: a payload above the bound is refused, one at the bound passes", async () => {
  const server = shared.current;
  const [sender, receiver] = [uniqueId("s"), uniqueId("r")];
  using client = await server.connect(sender);
  const [tooLong, justRight] = await client.burst([
    { to: receiver, type: PERSON, payload: Buffer.alloc(4097, "x") },
    { to: receiver, type: PERSON, payload: Buffer.alloc(4096, "x") },
  ]);
  expect(tooLong).toMatchObject({ outcome: "answered", reason: 15 });
  expect(justRight).toMatchObject({ outcome: "answered", reason: ACCEPTED, messageSeq: 1 });
});
