/** The unread number and the deletion of chats. */
import { describe, expect, test } from "vitest";
import { type Chat, GROUP, PERSON, texts } from "../harness/back-end.ts";
import { Seeded } from "../harness/seeded.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();

/** A person chat in which a has sent "1", "2", … to b. */
async function personChat(count: number): Promise<{ readonly a: string; readonly b: string }> {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await say(a, b, ...Array.from({ length: count }, (_item, n) => String(n + 1)));
  return { a, b };
}
async function say(from: string, to: string, ...list: string[]): Promise<void> {
  for (const text of list) await shared.current.backEnd.send({ from, to, type: PERSON, text });
}
function chatOf(reader: string, peer: string): Promise<Chat> {
  return shared.current.backEnd.chatOf(reader, peer);
}

describe("delete", () => {
  test("H-25: delete with 10 unread, then one message: unread 1 and only the new message", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(10);
    await backEnd.deleteChat(b, a);
    expect(await backEnd.chat(b, a)).toBeUndefined();
    await say(a, b, "new");
    const chat = await chatOf(b, a);
    expect([chat.unread, texts(chat.recents)]).toEqual([1, ["new"]]);
    expect((await chatOf(a, b)).recents).toHaveLength(11);
  });

  test("H-26: a deleted message is not returned to a client that asks from just before it", async () => {
    const { backEnd } = shared.current;
    for (const count of [1, 2, 5]) {
      const { a, b } = await personChat(count);
      await backEnd.deleteChat(b, a);
      for (const known of [0, count - 1, count]) {
        expect(
          await backEnd.chat(b, a, PERSON, { last_msg_seqs: `${a}:1:${known}` }),
          `known ${known}`,
        ).toBeUndefined();
      }
      await say(a, b, "new");
      const chat = await backEnd.chatOf(b, a, PERSON, { last_msg_seqs: `${a}:1:${count - 1}` });
      expect(texts(chat.recents)).toEqual(["new"]);
    }
  });

  test("H-29: a chat deleted right after its first message stays deleted", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(1);
    await backEnd.deleteChat(b, a);
    for (let look = 0; look < 3; look++) expect(await backEnd.sync(b)).toEqual([]);
    expect(await backEnd.sync(a)).toHaveLength(1);
  });

  test("H-29c: a deleted chat stays deleted in later syncs after other changes", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(3);
    const other = uniqueId("o");
    await backEnd.deleteChat(b, a);
    for (let round = 0; round < 5; round++) {
      await say(other, b, `${round}`);
      await backEnd.clearUnread(b, other);
      expect((await backEnd.sync(b)).map((chat) => chat.channel_id)).toEqual([other]);
    }
  });

  test("R-05: a deleted chat comes back with the peer's next message, alone, unread 1", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(2);
    await say(b, a, "answer");
    await backEnd.deleteChat(a, b);
    expect(await backEnd.chat(a, b)).toBeUndefined();
    await say(b, a, "are you there?");
    const chat = await chatOf(a, b);
    expect([chat.unread, texts(chat.recents)]).toEqual([1, ["are you there?"]]);
  });

  test("R-45: a deleted chat with 0, 1, 2 unread is absent with only_unread 0 and 1", async () => {
    const { backEnd } = shared.current;
    for (const unread of [0, 1, 2]) {
      const { a, b } = await personChat(3);
      await backEnd.setUnread(b, a, unread);
      expect(await chatOf(b, a)).toMatchObject({ unread });
      await backEnd.deleteChat(b, a);
      for (const only_unread of [0, 1]) {
        for (const version of [0, 1]) expect(await backEnd.sync(b, { only_unread, version })).toEqual([]);
      }
    }
  });
});

describe("set and clear", () => {
  test("H-27: setUnread 3 on an empty channel is unread 0 and later messages count", async () => {
    const { backEnd } = shared.current;
    const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
    await backEnd.createGroup(group, [a, b]);
    await backEnd.setUnread(b, group, 3, GROUP);
    await backEnd.send({ from: a, to: group, type: GROUP, text: "1" });
    await backEnd.send({ from: a, to: group, type: GROUP, text: "2" });
    expect(await backEnd.chatOf(b, group, GROUP)).toMatchObject({ unread: 2 });

    const [c, d] = [uniqueId("c"), uniqueId("d")];
    await backEnd.setUnread(d, c, 3);
    expect(await backEnd.sync(d)).toEqual([]);
    await say(c, d, "1");
    expect(await chatOf(d, c)).toMatchObject({ unread: 1 });
  });

  test("H-28: setUnread 2 after reading everything is unread 2", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(5);
    await backEnd.clearUnread(b, a);
    expect(await chatOf(b, a)).toMatchObject({ unread: 0, readed_to_msg_seq: 5 });
    await backEnd.setUnread(b, a, 2);
    expect(await chatOf(b, a)).toMatchObject({ unread: 2, readed_to_msg_seq: 3 });
    await say(a, b, "6");
    expect(await chatOf(b, a)).toMatchObject({ unread: 3 });
    await say(b, a, "7");
    expect(await chatOf(b, a)).toMatchObject({ unread: 0 });
  });

  test("H-29d: clearUnread on one device is seen at once by the sync of another", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(4);
    for (let round = 0; round < 20; round++) {
      await say(a, b, "more");
      expect((await chatOf(b, a)).unread).toBeGreaterThanOrEqual(1);
      await backEnd.clearUnread(b, a);
      expect(await chatOf(b, a)).toMatchObject({ unread: 0 });
    }
  });

  test("R-42: setUnread n gives min(n, visible) for n = 0, 1, 5, last, last + 1", async () => {
    const { backEnd, http } = shared.current;
    for (const isRead of [false, true]) {
      for (const n of [0, 1, 5, 8, 9]) {
        const { a, b } = await personChat(8);
        if (isRead) await backEnd.clearUnread(b, a);
        await backEnd.setUnread(b, a, n);
        expect(await chatOf(b, a), `${n}, read before: ${isRead}`).toMatchObject({ unread: Math.min(n, 8) });
      }
    }
    const { a, b } = await personChat(8);
    await backEnd.deleteChat(b, a);
    await say(a, b, "9", "10");
    await backEnd.setUnread(b, a, 5);
    expect(await chatOf(b, a)).toMatchObject({ unread: 2 });
    const negative = await http.post("/conversations/setUnread", {
      uid: b,
      channel_id: a,
      channel_type: PERSON,
      unread: -1,
    });
    expect(negative.status).toBe(400);
    expect(await chatOf(b, a)).toMatchObject({ unread: 2 });
  });

  test("R-43: a chat with unread cleared stays in the full sync and its read state is in the incremental one", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(3);
    const before = await chatOf(b, a);
    await backEnd.setUnread(b, a, 0);
    expect(await chatOf(b, a)).toMatchObject({ unread: 0 });
    const incremental = { version: before.version, last_msg_seqs: `${a}:1:3` };
    expect(await backEnd.chatOf(b, a, PERSON, incremental)).toMatchObject({ unread: 0, readed_to_msg_seq: 3 });
    expect(await backEnd.chatOf(b, a, PERSON, { version: before.version })).toMatchObject({ unread: 0 });
  });

  test("R-44: a second device learns in its incremental sync that the first one read the chat", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(3);
    const other = uniqueId("o");
    await say(other, b, "hello");
    const known = await backEnd.sync(b);
    const versions = known.map((chat) => BigInt(chat.version));
    const version = versions.reduce((one, two) => (one > two ? one : two));
    const last_msg_seqs = known.map((chat) => `${chat.channel_id}:1:${chat.last_msg_seq}`).join("|");
    expect(await backEnd.sync(b, { version, last_msg_seqs })).toEqual([]);
    await backEnd.clearUnread(b, a);
    const changed = await backEnd.sync(b, { version, last_msg_seqs });
    expect(changed.map((chat) => [chat.channel_id, chat.unread])).toEqual([[a, 0]]);
    expect(BigInt(changed[0]!.version)).toBeGreaterThan(version);
    expect(await backEnd.sync(b, { version: changed[0]!.version, last_msg_seqs })).toEqual([]);
  });
});

describe("counting", () => {
  test("H-29b: own messages from one device are no unread on the other, also when the peer answers", async () => {
    const { a, b } = await personChat(2);
    await say(b, a, "mine 1", "mine 2");
    expect(await chatOf(b, a)).toMatchObject({ unread: 0 });
    await say(a, b, "answer");
    expect(await chatOf(b, a)).toMatchObject({ unread: 1, readed_to_msg_seq: 4 });
  });

  test("R-38: three own messages and two of the peer are unread 2, also interleaved", async () => {
    const { a, b } = await personChat(3);
    await say(b, a, "1", "2");
    expect(await chatOf(a, b)).toMatchObject({ unread: 2 });
    const [c, d] = [uniqueId("c"), uniqueId("d")];
    for (let round = 0; round < 3; round++) {
      await say(c, d, "from c");
      await say(d, c, "from d");
    }
    expect(await chatOf(c, d)).toMatchObject({ unread: 1 });
    expect(await chatOf(d, c)).toMatchObject({ unread: 0 });
  });

  test("R-39: unread is right in both directions for random exchanges", async () => {
    const random = new Seeded();
    for (let round = 0; round < 10; round++) {
      const [a, b] = [uniqueId("a"), uniqueId("b")];
      const unread = { a: 0, b: 0 };
      let last = "";
      for (let n = 0; n < 12; n++) {
        const fromA = random.chance(0.5);
        last = `${n}`;
        await say(fromA ? a : b, fromA ? b : a, last);
        if (fromA) [unread.a, unread.b] = [0, unread.b + 1];
        else [unread.a, unread.b] = [unread.a + 1, 0];
        if (random.chance(0.3)) {
          const [seenByA, seenByB] = await Promise.all([chatOf(a, b), chatOf(b, a)]);
          expect([seenByA.unread, seenByB.unread], `WK_SEED=${random.seed}`).toEqual([unread.a, unread.b]);
          for (const chat of [seenByA, seenByB]) expect(texts(chat.recents)[0], `WK_SEED=${random.seed}`).toBe(last);
        }
      }
    }
  });

  test("R-41: unread is never below the true number while messages arrive", async () => {
    const server = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    await say(a, b, "first");
    using client = await server.connect(a);
    const known = { count: 1 };
    const sending = (async (): Promise<void> => {
      for (let n = 0; n < 300; n++) {
        await client.sendOk({ to: b, type: PERSON, payload: `${n}` });
        known.count++;
      }
    })();
    let syncs = 0;
    const isDone = { value: false };
    void sending.finally(() => {
      isDone.value = true;
    });
    while (!isDone.value) {
      const atLeast = known.count;
      const chat = await chatOf(b, a);
      expect(chat.unread).toBeGreaterThanOrEqual(atLeast);
      expect(chat.unread).toBe(chat.last_msg_seq);
      syncs++;
    }
    await sending;
    expect(syncs).toBeGreaterThan(10);
    expect(await chatOf(b, a)).toMatchObject({ unread: 301 });
  });

  test("R-46: only_unread returns exactly the chats with unread messages", async () => {
    const { backEnd } = shared.current;
    const b = uniqueId("b");
    const peers = Array.from({ length: 120 }, (_item, n) => `${uniqueId("p")}n${n}`);
    await Promise.all(peers.map((peer) => say(peer, b, "hello")));
    await Promise.all(peers.slice(3).map((peer) => backEnd.clearUnread(b, peer)));
    const chats = await backEnd.sync(b, { only_unread: 1 });
    expect(chats.map((chat) => chat.channel_id).toSorted()).toEqual(peers.slice(0, 3).toSorted());
    expect(await backEnd.sync(b)).toHaveLength(120);
  });

  test("R-47: messages without red dot raise no unread", async () => {
    const { backEnd } = shared.current;
    const { a, b } = await personChat(2);
    await backEnd.send({ from: a, to: b, type: PERSON, text: "silent", header: { red_dot: 0 } });
    expect(await chatOf(b, a)).toMatchObject({ unread: 2, last_msg_seq: 3 });
    await backEnd.clearUnread(b, a);
    await backEnd.send({ from: a, to: b, type: PERSON, text: "silent", header: { red_dot: 0 } });
    expect(await chatOf(b, a)).toMatchObject({ unread: 0, last_msg_seq: 4 });
  });
});
