/** More sends at once than a slow disk takes: each is answered, memory stays bounded, and what was accepted is there. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { ServerProcess, type Settings } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { Answer, Outgoing, WireClient } from "../harness/wire-client.ts";

const ACCEPTED = 1;
const SYSTEM_ERROR = 15;
const NO_ROOM = 22;
const WITHIN_MS = 100_000;
/** A server that needs more ends. Off the heap there is at most about as much again. */
const HEAP_MEGABYTES_MAX = 768;

function startOnSlowDisk(settings: Settings): Promise<ServerProcess> {
  const slowDisk = new URL("./slow-disk.ts", import.meta.url).href;
  return ServerProcess.start({
    settings: { disableEncryption: true, ...settings },
    environment: { NODE_OPTIONS: `--import=${slowDisk} --max-old-space-size=${HEAP_MEGABYTES_MAX}` },
  });
}

interface Sender {
  readonly client: WireClient;
  readonly list: readonly Outgoing[];
}

/** Everybody writes to his own receivers, by turns. */
async function makeSenders(
  server: ServerProcess,
  count: { readonly senders: number; readonly messages: number; readonly receivers: number },
): Promise<Sender[]> {
  const senders: Sender[] = [];
  await inParallel(Array.from({ length: count.senders }), 8, async () => {
    const uid = uniqueId("s");
    const list = Array.from({ length: count.messages }, (_, index) => ({
      to: `${uid}r${index % count.receivers}`,
      type: PERSON,
      payload: `${index}`.padEnd(100, "."),
      clientMsgNo: `${uid}c${index}`,
    }));
    senders.push({ client: await server.connect(uid), list });
  });
  return senders;
}

function reasonOf(answer: Answer): number | string {
  return answer.outcome === "answered" ? answer.reason : answer.outcome;
}

/** How many answers of each kind. */
function counted(answers: readonly Answer[]): Map<number | string, number> {
  const counts = new Map<number | string, number>();
  for (const answer of answers) counts.set(reasonOf(answer), (counts.get(reasonOf(answer)) ?? 0) + 1);
  return counts;
}

/** The history of each of his chats is exactly what was accepted, in dense order. */
async function checkHistories(
  server: ServerProcess,
  sender: Sender,
  accepted: ReadonlySet<string>,
  receivers: readonly string[],
): Promise<void> {
  await inParallel(receivers, 8, async (receiver) => {
    const history = await server.backEnd.history(receiver, sender.client.uid, PERSON);
    expect(history.map((message) => message.message_seq)).toEqual(history.map((_, index) => index + 1));
    const wanted = sender.list.filter(({ to, clientMsgNo }) => to === receiver && accepted.has(clientMsgNo ?? ""));
    expect(history).toHaveLength(wanted.length);
    expect(new Set(history.map((message) => message.client_msg_no))).toEqual(
      new Set(wanted.map(({ clientMsgNo }) => clientMsgNo)),
    );
    if (wanted.length > 0)
      expect(await server.backEnd.chatOf(receiver, sender.client.uid)).toMatchObject({ unread: wanted.length });
  });
}

function acceptedNumbers(answers: readonly Answer[]): Set<string> {
  return new Set(answers.filter((answer) => reasonOf(answer) === ACCEPTED).map(({ clientMsgNo }) => clientMsgNo));
}

test("200,000 sends at once with 50 ms more per sync are each answered with 1, 15 or 22 in bounded memory", async () => {
  await using server = await startOnSlowDisk({});
  const senders = await makeSenders(server, { senders: 50, messages: 4_000, receivers: 40 });
  const idleBytes = server.residentBytes() ?? 0;
  let mostBytes = idleBytes;
  const watch = setInterval(() => {
    mostBytes = Math.max(mostBytes, server.residentBytes() ?? 0);
  }, 100);
  const bursts = await Promise.all(senders.map(({ client, list }) => client.burst(list, WITHIN_MS)));
  clearInterval(watch);
  const counts = counted(bursts.flat());
  const megabytes = Math.round((mostBytes - idleBytes) / 2 ** 20);
  console.log(`overload: answers ${JSON.stringify([...counts])}, ${megabytes} MiB more memory at most`);
  const known = [ACCEPTED, SYSTEM_ERROR, NO_ROOM].reduce((sum, reason) => sum + (counts.get(reason) ?? 0), 0);
  expect(known).toBe(200_000);
  expect(megabytes).toBeLessThan(2 * HEAP_MEGABYTES_MAX);
  const [sender] = senders;
  if (sender === undefined) throw new Error("nobody sent");
  const accepted = acceptedNumbers(bursts[0] ?? []);
  const receivers = [...new Set(sender.list.map(({ to }) => to))];
  await checkHistories(server, sender, accepted, receivers);
  for (const { client } of senders) client.close();
});

test("beyond the commit queue sends are refused with 22 before they get a seq, and pass when sent again", async () => {
  await using server = await startOnSlowDisk({
    "limits.payloadBytesMax": "16KiB",
    "limits.commitBatchBytesMax": "64KiB",
    "limits.commitWriteBytesMax": "64KiB",
    "limits.commitQueueBytesMax": "256KiB",
  });
  const senders = await makeSenders(server, { senders: 10, messages: 400, receivers: 20 });
  let refused = 0;
  await inParallel(senders, senders.length, async (sender) => {
    const accepted = new Set<string>();
    for (let left = sender.list; left.length > 0; ) {
      const answers = await sender.client.burst(left, WITHIN_MS);
      for (const number of acceptedNumbers(answers)) accepted.add(number);
      for (const answer of answers) expect([ACCEPTED, NO_ROOM]).toContain(reasonOf(answer));
      left = sender.list.filter(({ clientMsgNo }) => !accepted.has(clientMsgNo ?? ""));
      refused += left.length;
    }
    await checkHistories(server, sender, accepted, [...new Set(sender.list.map(({ to }) => to))]);
    sender.client.close();
  });
  expect(refused, "the bound was reached").toBeGreaterThan(0);
});

test("beyond the commit queue HTTP sends and changes are refused with 503 and Retry-After, and pass when sent again", async () => {
  await using server = await startOnSlowDisk({ "limits.commitQueueBatchesMax": 20 });
  const uid = uniqueId("s");
  const send = (index: number) => server.http.post("/message/send", bodyOf(uid, index));
  const change = (index: number) => server.backEnd.http.post("/user/systemuids_add", { uids: [`${uid}x${index}`] });
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  const answers = await Promise.all([...numbers.map(send), ...numbers.map(change)]);
  expect(new Set(answers.map(({ status }) => status)), "both were reached").toEqual(new Set([200, 503]));
  const refused = answers.filter(({ status }) => status === 503);
  for (const { headers, body } of refused) {
    expect(headers["retry-after"]).toBe("1");
    expect(body).toEqual({ msg: expect.any(String), status: 503 });
  }
  const left = numbers.filter((index) => answers[index]?.status === 503);
  await inParallel(left, 10, async (index) => {
    expect(await server.http.ask("/message/send", bodyOf(uid, index))).toMatchObject({ data: { reason: ACCEPTED } });
  });
  const seqs: number[] = [];
  for (let receiver = 0; receiver < 20; receiver++)
    seqs.push((await server.backEnd.history(`${uid}r${receiver}`, uid, PERSON)).length);
  expect(seqs).toEqual(Array(20).fill(10));
});

function bodyOf(uid: string, index: number): Readonly<Record<string, string | number>> {
  return {
    from_uid: uid,
    channel_id: `${uid}r${index % 20}`,
    channel_type: PERSON,
    client_msg_no: `${uid}c${index}`,
    payload: Buffer.from(`${index}`).toString("base64"),
  };
}
