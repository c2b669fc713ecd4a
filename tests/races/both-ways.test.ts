/** Two people who write to each other for the first time at the same moment, and read while the other writes. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();
const PAIRS = 64;

test("first messages in both directions at once are one chat, with the unread its history gives", async () => {
  const server = shared.current;
  const pairs = Array.from({ length: PAIRS }, () => [uniqueId("a"), uniqueId("b")] as const);
  await inParallel(pairs, 16, async ([a, b]) => {
    using one = await server.connect(a);
    using other = await server.connect(b);
    await Promise.all([
      one.burst([1, 2, 3].map((n) => ({ to: b, type: PERSON, payload: `${n}` }))),
      other.burst([1, 2].map((n) => ({ to: a, type: PERSON, payload: `${n}` }))),
      server.backEnd.send({ from: a, to: b, type: PERSON, text: "HTTP" }),
    ]);
  });
  await server.restart("SIGKILL");
  await inParallel(pairs, 16, async ([a, b]) => {
    for (const [me, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const chats = await server.backEnd.sync(me);
      expect(chats).toHaveLength(1);
      const senders = (await server.backEnd.history(me, peer, PERSON)).map((message) => message.from_uid);
      expect(senders).toHaveLength(6);
      const lastOwn = senders.lastIndexOf(me) + 1;
      expect(chats[0]).toMatchObject({
        channel_id: peer,
        last_msg_seq: 6,
        readed_to_msg_seq: lastOwn,
        unread: 6 - lastOwn,
      });
    }
  });
});

test("reading, marking and deleting while messages come in: what came after the answer is unread", async () => {
  const { backEnd } = shared.current;
  const calls = ["clearUnread", "deleteChat", "setUnread"] as const;
  await inParallel([...calls, ...calls, ...calls], 9, async (call) => {
    const [me, peer] = [uniqueId("a"), uniqueId("b")];
    let acknowledged = 0;
    const state = { isOn: true };
    const sending = (async (): Promise<void> => {
      while (state.isOn)
        acknowledged = (await backEnd.send({ from: peer, to: me, type: PERSON, text: "x" })).message_seq;
    })();
    for (let round = 0; round < 10; round++) {
      const before = acknowledged;
      if (call === "setUnread") await backEnd.setUnread(me, peer, 0);
      else await backEnd[call](me, peer);
      const after = acknowledged;
      const chat = await backEnd.chat(me, peer);
      if (chat === undefined) continue; // deleted, and nothing new yet; or not yet there
      expect(chat.unread + chat.readed_to_msg_seq).toBe(chat.last_msg_seq);
      expect(chat.readed_to_msg_seq).toBeGreaterThanOrEqual(before);
      expect(chat.readed_to_msg_seq).toBeLessThanOrEqual(after + 1);
    }
    state.isOn = false;
    await sending;
    const last = await backEnd.send({ from: peer, to: me, type: PERSON, text: "last" });
    const chat = await backEnd.chatOf(me, peer);
    expect(chat).toMatchObject({ last_msg_seq: last.message_seq });
    expect(chat.unread).toBe(last.message_seq - chat.readed_to_msg_seq);
    expect(chat.unread).toBeGreaterThanOrEqual(1);
  });
});
