/** The first message of a chat makes it visible to both, in every way it can be sent. */
import { describe, expect, test } from "vitest";
import { findChat, GROUP, PERSON, texts } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";
import { NO_PERSIST, RED_DOT } from "../harness/wire-client.ts";

const shared = sharedServer();

describe("person chats", () => {
  test("H-01: a first message to an offline user is in his list with unread 1", async () => {
    const server = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using client = await server.connect(a);
    await client.sendOk({ to: b, type: PERSON, payload: "hello" });
    const chat = await server.backEnd.chatOf(b, a);
    expect(chat).toMatchObject({ unread: 1, last_msg_seq: 1, readed_to_msg_seq: 0 });
    expect(texts(chat.recents)).toEqual(["hello"]);
    expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 0, last_msg_seq: 1 });
  });

  test("H-02: second and third message before the first sync give unread 3", async () => {
    const server = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using client = await server.connect(a);
    for (const payload of ["1", "2", "3"]) await client.sendOk({ to: b, type: PERSON, payload });
    const chat = await server.backEnd.chatOf(b, a);
    expect(chat.unread).toBe(3);
    expect(texts(chat.recents)).toEqual(["3", "2", "1"]);
  });

  test("H-05: a NoPersist message before the first stored one does not hide the chat", async () => {
    const server = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using client = await server.connect(a);
    const answers = await client.burst([
      { to: b, type: PERSON, payload: "typing", flags: NO_PERSIST },
      { to: b, type: PERSON, payload: "stored" },
    ]);
    expect(answers.map((answer) => answer.outcome === "answered" && [answer.reason, answer.messageSeq])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    const chat = await server.backEnd.chatOf(b, a);
    expect(chat.unread).toBe(1);
    expect(texts(chat.recents)).toEqual(["stored"]);
  });

  test("H-06: several first messages in one read give a row for both and no unread for the sender", async () => {
    const server = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    using client = await server.connect(a);
    const answers = await client.burst(["1", "2", "3", "4"].map((payload) => ({ to: b, type: PERSON, payload })));
    expect(answers.map((answer) => answer.outcome === "answered" && answer.messageSeq)).toEqual([1, 2, 3, 4]);
    expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 4 });
    expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 0 });
  });

  test("H-07: first messages sent at the same moment from two connections give one row and the right unread", async () => {
    const server = shared.current;
    for (let round = 0; round < 20; round++) {
      const [a, b] = [uniqueId("a"), uniqueId("b")];
      using phone = await server.connect(a, { deviceFlag: 0 });
      using desk = await server.connect(a, { deviceFlag: 1, transport: "websocket" });
      const answers = await Promise.all(
        [phone, desk].map((client) => client.burst([1, 2, 3].map((n) => ({ to: b, type: PERSON, payload: `${n}` })))),
      );
      const seqs = answers.flat().map((answer) => answer.outcome === "answered" && answer.messageSeq);
      expect(new Set(seqs)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
      const chats = await server.backEnd.sync(b);
      expect(chats.map((chat) => [chat.channel_id, chat.unread])).toEqual([[a, 6]]);
    }
  });

  test("H-08: a first message of a system account with a uid of its own is in the list, one of ____system is not", async () => {
    const { backEnd, http } = shared.current;
    const [account, b] = [uniqueId("sys"), uniqueId("b")];
    await http.ask("/user/systemuids_add", { uids: [account] });
    await backEnd.send({ from: account, to: b, type: PERSON, text: "from the account" });
    await backEnd.send({ to: b, type: PERSON, text: "from the system" });
    expect((await backEnd.sync(b)).map((chat) => [chat.channel_id, chat.unread])).toEqual([[account, 1]]);
  });

  test("H-09: a first message to oneself is one row and one RECV per other device", async () => {
    const server = shared.current;
    const a = uniqueId("a");
    using phone = await server.connect(a, { deviceFlag: 0 });
    using desk = await server.connect(a, { deviceFlag: 1 });
    await phone.sendOk({ to: a, type: PERSON, payload: "note" });
    const received = await desk.takeSome(1);
    expect(await staysQuiet(() => desk.received.length > 0 || phone.received.length > 0)).toBe(true);
    expect(texts(received)).toEqual(["note"]);
    expect(received[0]!.flags & RED_DOT).toBe(0);
    const chats = await server.backEnd.sync(a);
    expect(chats.map((chat) => [chat.channel_id, chat.unread, chat.last_msg_seq])).toEqual([[a, 0, 1]]);
  });

  test("R-28: 64 concurrent first messages to the same chat are one row", async () => {
    const { backEnd } = shared.current;
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const results = await Promise.all(
      Array.from({ length: 64 }, (_item, n) =>
        n % 2 === 0
          ? backEnd.send({ from: a, to: b, type: PERSON, text: `${n}` })
          : backEnd.send({ from: b, to: a, type: PERSON, text: `${n}` }),
      ),
    );
    expect(results.map((result) => result.message_seq).toSorted((x, y) => x - y)).toEqual(
      Array.from({ length: 64 }, (_item, n) => n + 1),
    );
    for (const [reader, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      expect((await backEnd.sync(reader)).map((chat) => chat.channel_id)).toEqual([peer]);
      expect(await backEnd.channels(reader)).toHaveLength(1);
    }
  });
});

test("H-16: a group with NoPersist messages only is in nobody's list", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  using client = await server.connect(a);
  using reader = await server.connect(b);
  await client.sendOk({ to: group, type: GROUP, payload: "typing", flags: NO_PERSIST | RED_DOT });
  expect(texts(await reader.takeSome(1))).toEqual(["typing"]);
  for (const uid of [a, b]) expect(findChat(await server.backEnd.sync(uid), group, GROUP)).toBeUndefined();
});
