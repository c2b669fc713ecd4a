/** Chat lists of any length and any sync parameter. */
import { describe, expect, test } from "vitest";
import { type Chat, GROUP, PERSON } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();

/** Gives `uid` one chat with each of `count` peers, and returns the peers, oldest chat first. */
async function manyChats(uid: string, count: number): Promise<string[]> {
  const peers = Array.from({ length: count }, (_item, n) => `${uniqueId("p")}n${n}`);
  const queue = peers.values();
  const work = async (): Promise<void> => {
    for (const peer of queue) await shared.current.backEnd.send({ from: peer, to: uid, type: PERSON, text: "hello" });
  };
  await Promise.all(Array.from({ length: 32 }, work));
  return peers;
}
function keys(chats: readonly Chat[]): string[] {
  return chats.map((chat) => chat.channel_id);
}

test("H-30: the oldest of 1200 groups is listed after a new message", async () => {
  const { backEnd } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const groups = Array.from({ length: 1_200 }, (_item, n) => `${uniqueId("g")}n${n}`);
  const queue = groups.values();
  const work = async (): Promise<void> => {
    for (const group of queue) {
      await backEnd.createGroup(group, [a, b]);
      await backEnd.send({ from: a, to: group, type: GROUP, text: "hello" });
    }
  };
  await Promise.all(Array.from({ length: 32 }, work));
  await backEnd.send({ from: a, to: groups[0]!, type: GROUP, text: "again" });
  const all = await backEnd.sync(b, { msg_count: 1 });
  expect(all).toHaveLength(1_200);
  expect(all[0]).toMatchObject({ channel_id: groups[0]!, unread: 2 });
  const [first] = await backEnd.syncPages(b, 500, { msg_count: 1 });
  expect(first![0]).toMatchObject({ channel_id: groups[0]!, unread: 2 });
});

test("H-31, R-50: msg_count 0 and below answer an empty list", async () => {
  const { backEnd } = shared.current;
  const b = uniqueId("b");
  await manyChats(b, 2);
  for (const msg_count of [0, -1, -1_000]) expect(await backEnd.sync(b, { msg_count })).toEqual([]);
  expect(await backEnd.sync(b, { msg_count: 1 })).toHaveLength(2);
});

test("H-32: paging while chats change gives every chat once", async () => {
  const { backEnd } = shared.current;
  const b = uniqueId("b");
  const peers = await manyChats(b, 60);
  const seen: string[] = [];
  for (let page = 1; ; page++) {
    const rows = await backEnd.sync(b, { page, page_size: 7 });
    if (rows.length === 0) break;
    seen.push(...keys(rows));
    // Old chats move up and seen chats are read while the client turns the pages.
    await backEnd.send({ from: peers[page % peers.length]!, to: b, type: PERSON, text: "again" });
    await backEnd.clearUnread(b, peers[(page * 5) % peers.length]!);
  }
  expect(seen).toHaveLength(60);
  expect(new Set(seen)).toEqual(new Set(peers));
});

describe("H-34: ids with colon and pipe", () => {
  test("H-34: channel ids with colon and pipe sync without loss", async () => {
    const { backEnd, http } = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const groups = [`${uniqueId("g")}:2:5`, `${uniqueId("g")}|x:1`, `${uniqueId("g")}::`, uniqueId("plain")];
    for (const group of groups) {
      await backEnd.createGroup(group, [a, b]);
      await backEnd.send({ from: a, to: group, type: GROUP, text: "hello" });
    }
    const all = await backEnd.sync(b);
    expect(new Set(keys(all))).toEqual(new Set(groups));
    const last_msg_seqs = all.map((chat) => `${chat.channel_id}:${chat.channel_type}:${chat.last_msg_seq}`).join("|");
    for (const group of groups) await backEnd.send({ from: a, to: group, type: GROUP, text: "new" });
    // A client cannot say such an id unambiguously; it gets the chat with more messages than it needs, never without.
    const answer = await http.post("/conversation/sync", { uid: b, version: 1, msg_count: 10, last_msg_seqs });
    expect([200, 400]).toContain(answer.status);
    if (answer.status === 200) {
      const changed = answer.body as unknown as Chat[];
      expect(new Set(keys(changed))).toEqual(new Set(groups));
      for (const chat of changed) expect(chat.recents[0]).toMatchObject({ message_seq: 2 });
    }
  });
});

test("R-48: 5,000 chats are all returned by paging, in stable order, while messages arrive", async () => {
  const { backEnd } = shared.current;
  const b = uniqueId("b");
  const peers = await manyChats(b, 5_000);
  const before = keys((await backEnd.syncPages(b, 500, { msg_count: 1 })).flat());
  expect(before).toHaveLength(5_000);
  expect(new Set(before)).toEqual(new Set(peers));

  const moving = { isOn: true };
  const traffic = (async (): Promise<void> => {
    for (let n = 0; moving.isOn; n++)
      await backEnd.send({ from: peers[(n * 37) % peers.length]!, to: b, type: PERSON, text: "again" });
  })();
  const during = keys((await backEnd.syncPages(b, 500, { msg_count: 1 })).flat());
  moving.isOn = false;
  await traffic;
  expect(during).toHaveLength(5_000);
  expect(new Set(during)).toEqual(new Set(peers));
});

test("R-49: the version parameter of old clients is accepted and never hides a changed chat", async () => {
  const { backEnd } = shared.current;
  const b = uniqueId("b");
  const [one, two, three] = (await manyChats(b, 3)) as [string, string, string];
  const all = await backEnd.sync(b);
  const newest = all.map((chat) => BigInt(chat.version)).reduce((x, y) => (x > y ? x : y));
  for (const peer of [one, two]) await backEnd.clearUnread(b, peer);
  await backEnd.send({ from: two, to: b, type: PERSON, text: "new" });
  // Newer than the version: the read chat and the one with a new message; the third has unread messages.
  const changed = await backEnd.sync(b, { version: newest });
  expect(new Set(keys(changed))).toEqual(new Set([one, two, three]));
  expect(changed.find((chat) => chat.channel_id === one)).toMatchObject({ unread: 0 });
  for (const version of [1, 1_600_000_000_000, newest]) {
    expect(keys(await backEnd.sync(b, { version }))).toContain(two);
  }
});

test("R-02, R-37: right after the acknowledgement the chat is in both lists, newest first, over concurrent sends and syncs", async () => {
  const server = shared.current;
  const readers = Array.from({ length: 8 }, () => uniqueId("b"));
  let misses = 0;
  await Promise.all(
    readers.map(async (b) => {
      const a = uniqueId("a");
      using client = await server.connect(a);
      const newest: string[] = [];
      for (let n = 0; n < 60; n++) {
        const other = uniqueId("o");
        const [answer] = await Promise.all([
          client.sendOk({ to: b, type: PERSON, payload: `${n}` }),
          server.backEnd.send({ from: other, to: b, type: PERSON, text: "noise" }),
          server.backEnd.sync(b, { msg_count: 1 }),
          server.backEnd.sync(b, { msg_count: 1, page: 1, page_size: 5 }),
        ]);
        newest.push(other);
        const [mine, theirs] = await Promise.all([server.backEnd.chat(a, b), server.backEnd.sync(b, { msg_count: 1 })]);
        const found = theirs.find((chat) => chat.channel_id === a);
        if (
          mine?.last_msg_seq !== answer.messageSeq ||
          found?.last_msg_seq !== answer.messageSeq ||
          found.unread !== n + 1
        )
          misses++;
        if (!theirs.slice(0, 2).some((chat) => chat.channel_id === a)) misses++;
        if (theirs.length !== newest.length + 1) misses++;
      }
    }),
  );
  expect(misses).toBe(0);
});
