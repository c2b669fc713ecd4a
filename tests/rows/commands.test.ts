/** Commands: found by everybody they are for, each exactly once with its acknowledgement, whoever acknowledges how. */
import { describe, expect, test } from "vitest";
import { GROUP, type Message, PERSON, texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { createRandom } from "../harness/random.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { SYNC_ONCE } from "../harness/wire-client.ts";

const CUSTOMER_SERVICE = 3;
const VISITORS = 10;
const shared = sharedServer();

function command(server: ServerProcess, to: string, text: string, type = GROUP, from?: string): Promise<unknown> {
  return server.backEnd.send({ to, type, text, header: { sync_once: 1 }, ...(from === undefined ? {} : { from }) });
}
async function commands(server: ServerProcess, to: string, first: number, last: number): Promise<void> {
  for (let n = first; n <= last; n++) await command(server, to, `${to}:${n}`);
}
function sync(server: ServerProcess, uid: string, limit = 200): Promise<Message[]> {
  return server.http.ask("/message/sync", { uid, limit });
}
function acknowledge(server: ServerProcess, uid: string, page: readonly Message[]): Promise<unknown> {
  return server.http.ask("/message/syncack", { uid, last_message_seq: page.at(-1)?.message_seq ?? 1 });
}
/** So many hand-outs of a user the server may still take an acknowledgement for. */
const REMEMBERED_HAND_OUTS = 4;
/** Sync and syncack until nothing comes. */
async function readAll(server: ServerProcess, uid: string, limit: number): Promise<{ all: string[]; calls: number }> {
  const all: string[] = [];
  for (let calls = 1; ; calls++) {
    const page = await sync(server, uid, limit);
    if (page.length === 0) return { all, calls };
    all.push(...texts(page));
    await acknowledge(server, uid, page);
  }
}
function numbered(id: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_item, n) => `${id}:${first + n}`);
}

describe("offline commands", () => {
  test("H-44: a kept command to `subscribers` is found by the offline subscriber", async () => {
    const server = shared.current;
    const [online, offline] = [uniqueId("on"), uniqueId("off")];
    using client = await server.connect(online);
    await server.http.ask("/message/send", {
      header: { sync_once: 1, no_persist: 0 },
      subscribers: [online, offline],
      payload: Buffer.from("go").toString("base64"),
    });
    expect(texts(await client.takeSome(1))).toEqual(["go"]);
    const page = await sync(server, offline);
    expect(texts(page)).toEqual(["go"]);
    await acknowledge(server, offline, page);
    expect(await sync(server, offline)).toEqual([]);
  });

  test("H-45, R-24: a back end that only calls /message/send with sync_once reaches the offline members of a group", async () => {
    const server = shared.current;
    const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
    await server.backEnd.createGroup(group, [a, b]);
    await commands(server, group, 1, 3);
    await command(server, b, "to the person", PERSON, a);
    const page = await sync(server, b);
    expect(texts(page)).toEqual([...numbered(group, 1, 3), "to the person"]);
    expect(page[0]).toMatchObject({ channel_id: `${group}____cmd`, message_seq: 1, header: { sync_once: 1 } });
    expect(page[3]).toMatchObject({ channel_id: `${b}____cmd`, from_uid: a });
    // They are no chats, and no messages of one.
    expect(await server.backEnd.sync(b)).toEqual([]);
  });

  test("H-45: every one of 250 members finds the command of his group", async () => {
    const server = shared.current;
    const group = uniqueId("g");
    const members = Array.from({ length: 250 }, (_item, n) => `${group}m${n}`);
    await server.backEnd.createGroup(group, members);
    await command(server, group, "all");
    await inParallel(members, atOnce(16), async (uid) => expect(texts(await sync(server, uid))).toEqual(["all"]));
  });

  test("H-46: who joins after 500 commands gets only the later ones", async () => {
    const server = shared.current;
    const [group, a, late] = [uniqueId("g"), uniqueId("a"), uniqueId("late")];
    await server.backEnd.createGroup(group, [a]);
    using client = await server.connect(a);
    const burst = numbered(group, 1, 500).map((payload) => ({ to: group, type: GROUP, payload, flags: SYNC_ONCE }));
    for (let at = 0; at < 500; at += atOnce(100)) {
      const answers = await client.burst(burst.slice(at, at + atOnce(100)));
      expect(answers.every((answer) => answer.outcome === "answered" && answer.reason === 1)).toBe(true);
    }
    await server.backEnd.addMembers(group, [late]);
    await commands(server, group, 501, 502);
    expect(texts(await sync(server, late))).toEqual(numbered(group, 501, 502));
  });

  test("H-51: the visitor of a customer-service and of a visitors channel gets commands online and offline", async () => {
    const server = shared.current;
    for (const type of [CUSTOMER_SERVICE, VISITORS]) {
      const visitor = uniqueId("v");
      const channel = type === VISITORS ? visitor : `${visitor}|shop`;
      await command(server, channel, "offline", type);
      expect(texts(await sync(server, visitor))).toEqual(["offline"]);
      using client = await server.connect(visitor);
      await command(server, channel, "online", type);
      expect(texts(await client.takeSome(1))).toEqual(["online"]);
    }
  });

  test("H-54: commands pass through a banned and through a disbanded group", async () => {
    const server = shared.current;
    for (const flag of ["ban", "disband"]) {
      const [group, b] = [uniqueId("g"), uniqueId("b")];
      await server.backEnd.createGroup(group, [b]);
      await server.http.ask("/channel/info", { channel_id: group, channel_type: GROUP, [flag]: 1 });
      await command(server, group, flag);
      expect(texts(await sync(server, b))).toEqual([flag]);
    }
  });

  test("H-61: a removed member gets the commands before the removal and none after it", async () => {
    const server = shared.current;
    const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
    await server.backEnd.createGroup(group, [a, b]);
    await commands(server, group, 1, 2);
    await server.backEnd.removeMembers(group, [b]);
    await commands(server, group, 3, 4);
    expect((await readAll(server, b, 10)).all).toEqual(numbered(group, 1, 2));
    expect((await readAll(server, a, 10)).all).toEqual(numbered(group, 1, 4));
  });
});

describe("paging", () => {
  test("H-47: 200 and 50 commands with limit 200 take two pages and nothing is skipped", async () => {
    const server = shared.current;
    const [x, y, b] = [uniqueId("x"), uniqueId("y"), uniqueId("b")];
    for (const group of [x, y]) await server.backEnd.createGroup(group, [b]);
    await commands(server, x, 1, 200);
    await commands(server, y, 1, 50);
    const first = await sync(server, b);
    expect(texts(first)).toEqual(numbered(x, 1, 200));
    await acknowledge(server, b, first);
    expect(texts(await sync(server, b))).toEqual(numbered(y, 1, 50));
  });

  test("H-48, R-23: the first commands of a channel are gone after their syncack, and the loop ends", async () => {
    const server = shared.current;
    const b = uniqueId("b");
    const groups = Array.from({ length: 10 }, () => uniqueId("g"));
    for (const group of groups) {
      await server.backEnd.createGroup(group, [b]);
      await command(server, group, group);
    }
    expect(await readAll(server, b, 3)).toEqual({ all: groups, calls: 5 });
  });

  test("R-22: 50 channels × 40 commands with limit 7 come exactly once, also when two devices take turns", async () => {
    const server = shared.current;
    const [b, c] = [uniqueId("b"), uniqueId("c")];
    const groups = Array.from({ length: 50 }, () => uniqueId("g"));
    await inParallel(groups, atOnce(10), async (group) => {
      await server.backEnd.createGroup(group, [b, c]);
      await commands(server, group, 1, 40);
    });
    const expected = groups.flatMap((group) => numbered(group, 1, 40)).sort();
    const { all, calls } = await readAll(server, b, 7);
    expect(all.toSorted()).toEqual(expected);
    expect(calls).toBe(Math.ceil(2000 / 7) + 1);
    // Both devices sync before either acknowledges: each page is the user's, so it comes twice but is never skipped.
    const seen: string[] = [];
    for (;;) {
      const [one, two] = [await sync(server, c, 7), await sync(server, c, 5)];
      if (one.length === 0) break;
      seen.push(...texts(two));
      await acknowledge(server, c, two);
      const rest = texts(one).slice(two.length);
      seen.push(...rest);
      await acknowledge(server, c, one);
    }
    expect(seen.toSorted()).toEqual(expected);
  });

  test("R-25: a chat with 5,000 messages and 250 commands hides neither the one message nor the one command of another chat", async () => {
    const server = shared.current;
    const [busy, quiet, a, b] = [uniqueId("busy"), uniqueId("quiet"), uniqueId("a"), uniqueId("b")];
    for (const group of [busy, quiet]) await server.backEnd.createGroup(group, [a, b]);
    await server.backEnd.send({ to: quiet, type: GROUP, text: "one" });
    using client = await server.connect(a);
    const step = atOnce(250);
    const chat = Array.from({ length: step }, () => ({ to: busy, type: GROUP, payload: "chat" }));
    for (let at = 0; at < 5000; at += step) await client.burst(chat);
    await client.burst(chat.map((each) => ({ ...each, flags: SYNC_ONCE })));
    await command(server, quiet, "one");
    expect(await server.backEnd.chatOf(b, quiet, GROUP)).toMatchObject({ unread: 1 });
    expect(texts((await server.backEnd.chatOf(b, quiet, GROUP)).recents)).toEqual(["one"]);
    expect((await readAll(server, b, 200)).all.at(-1)).toBe("one");
  });
});

describe("acknowledgements", () => {
  test("H-49, R-27: a command that was received online does not come again, at the next login either", async () => {
    const server = shared.current;
    const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
    await server.backEnd.createGroup(group, [a, b]);
    {
      using client = await server.connect(b);
      await commands(server, group, 1, 5);
      await client.takeSome(5);
      await eventually(async () => (await sync(server, b)).length === 0, "the five are acknowledged");
    }
    await command(server, group, "next");
    expect(texts(await sync(server, b))).toEqual(["next"]);
  });

  test("H-49: a RECVACK on another connection than the one that received counts as well", async () => {
    const server = shared.current;
    const [group, b] = [uniqueId("g"), uniqueId("b")];
    await server.backEnd.createGroup(group, [b]);
    using first = await server.connect(b, { acknowledges: false });
    await command(server, group, "1");
    const [message] = await first.takeSome(1);
    await first.end();
    expect(texts(await sync(server, b))).toEqual(["1"]);
    using second = await server.connect(b);
    second.acknowledge(message!);
    await eventually(async () => (await sync(server, b)).length === 0, "the late RECVACK counts");
  });

  test("H-50: a RECVACK beyond a gap leaves the command in the gap", async () => {
    const server = shared.current;
    const [group, b] = [uniqueId("g"), uniqueId("b")];
    await server.backEnd.createGroup(group, [b]);
    await commands(server, group, 1, 9);
    using client = await server.connect(b);
    await command(server, group, `${group}:10`);
    await client.takeSome(1);
    await eventually(async () => (await sync(server, b)).length === 9, "the tenth is not handed out again");
    expect((await readAll(server, b, 4)).all).toEqual(numbered(group, 1, 9));
  });

  test("H-52: after kill -9 between sync and syncack the commands come again, and are acknowledged then", async () => {
    await using server = await ServerProcess.start();
    const [group, b] = [uniqueId("g"), uniqueId("b")];
    await server.backEnd.createGroup(group, [b]);
    await commands(server, group, 1, 5);
    const page = await sync(server, b, 3);
    await server.restart("SIGKILL");
    await acknowledge(server, b, page);
    expect(texts(await sync(server, b, 3))).toEqual(numbered(group, 1, 3));
    await acknowledge(server, b, page);
    await server.restart("SIGKILL");
    expect(texts(await sync(server, b))).toEqual(numbered(group, 4, 5));
  });

  test("H-53: the cursor is the user's: what one device acknowledges, no other device gets", async () => {
    const server = shared.current;
    const [group, b] = [uniqueId("g"), uniqueId("b")];
    await server.backEnd.createGroup(group, [b]);
    await commands(server, group, 1, 4);
    const one = await sync(server, b, 4);
    const two = await sync(server, b, 2);
    await acknowledge(server, b, two);
    expect(texts(await sync(server, b))).toEqual(numbered(group, 3, 4));
    await acknowledge(server, b, one);
    expect(await sync(server, b)).toEqual([]);
  });

  test("H-55: a slave's RECVACK counts, also where a token decides the level", async () => {
    await using server = await ServerProcess.start({ settings: { tokenAuthOn: true } });
    const [group, master, slave] = [uniqueId("g"), uniqueId("m"), uniqueId("s")];
    await server.backEnd.createGroup(group, [master, slave]);
    await server.backEnd.setToken(master, "t", 0, 1);
    await server.backEnd.setToken(slave, "t", 0, 0);
    using one = await server.connect(master, { token: "t" });
    using two = await server.connect(slave, { token: "t" });
    await commands(server, group, 1, 3);
    for (const client of [one, two]) {
      await client.takeSome(3);
      await eventually(async () => (await sync(server, client.uid)).length === 0, "its three are acknowledged");
    }
  });

  test("R-27: RECVACK and syncack mixed: none is lost, and none comes after its acknowledgement", async () => {
    const server = shared.current;
    const random = createRandom();
    const b = uniqueId("b");
    const groups = [uniqueId("x"), uniqueId("y"), uniqueId("z")];
    for (const group of groups) await server.backEnd.createGroup(group, [b]);
    const acknowledged = new Set<string>();
    const sent: string[] = [];
    // An acknowledgement names nothing but a seq: one that fits an earlier open page too counts for what both hold.
    let openPages: (readonly Message[])[] = [];
    const seqsOf = (page: readonly Message[]): readonly number[] => page.map((message) => message.message_seq);
    for (let round = 0; round < 40; round++) {
      const isOnline = random.chance(0.5);
      const client = isOnline ? await server.connect(b, { acknowledges: false }) : undefined;
      for (let n = 0; n < 4; n++) {
        const group = random.pick(groups);
        sent.push(`${round}.${n}`);
        await command(server, group, `${round}.${n}`);
      }
      for (const message of (await client?.takeSome(4)) ?? []) {
        if (random.chance(0.3)) continue;
        client?.acknowledge(message);
        acknowledged.add(message.payload.toString());
      }
      // The PONG says that the acknowledgements before it have been taken in.
      await client?.ping();
      await client?.end();
      const page = await sync(server, b, 3);
      const expected = sent.filter((text) => !acknowledged.has(text)).slice(0, 3);
      expect(texts(page), `seed ${random.seed}, round ${round}`).toEqual(expected);
      if (page.length === 0) continue;
      const isAmbiguous = openPages.some((open) => seqsOf(open).includes(seqsOf(page).at(-1) ?? 0));
      if (isAmbiguous || random.chance(0.3)) {
        openPages = [...openPages, page].slice(-REMEMBERED_HAND_OUTS);
        continue;
      }
      await acknowledge(server, b, page);
      for (const text of texts(page)) acknowledged.add(text);
    }
    const rest = (await readAll(server, b, 7)).all;
    expect([...new Set(rest)], `seed ${random.seed}`).toEqual(sent.filter((text) => !acknowledged.has(text)));
  });
});
