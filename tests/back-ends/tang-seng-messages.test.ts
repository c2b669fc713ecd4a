/** TangSengDaoDao: what its clients see of messages, through it: the chat list, history, single messages, marks. */
import { expect, test } from "vitest";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { contentOf, type TangSengConversation, type TangSengMessage } from "./tang-seng.ts";
import { FILE_HELPER, group, KEPT, person, SYSTEM_ACCOUNT, town } from "./tang-seng-town.ts";

const shared = town();
const OK = { status: 200 };

function text(content: string): { readonly type: 1; readonly content: string } {
  return { type: 1, content };
}
function contents(messages: readonly TangSengMessage[]): unknown[] {
  return messages.map((message) => contentOf(message)["content"]);
}
function byChannel(chats: readonly TangSengConversation[], id: string): TangSengConversation {
  const found = chats.find((chat) => chat.channel_id === id);
  if (found === undefined) throw new Error(`no chat ${id}`);
  return found;
}
/** As a client writes it: the chats it has, with the last seq of each. */
function lastMsgSeqs(chats: readonly TangSengConversation[]): string {
  return chats.map((chat) => `${chat.channel_id}:${chat.channel_type}:${chat.last_msg_seq}`).join("|");
}

test("a send is answered with its id, seq and number, and every device of both people gets it", async () => {
  const { tangSeng, moveIn } = shared.current;
  using alice = await moveIn("alice");
  using bob = await moveIn("bob");
  const sent = await tangSeng.send({ header: KEPT, from: alice.uid, to: person(bob.uid), payload: text("hello") });
  expect(sent.message_seq).toBe(1);
  expect(sent.message_id).toBeGreaterThan(2n ** 53n);
  expect(sent.client_msg_no).toMatch(/^[0-9a-f]{32}0$/);
  expect(await bob.receive(1)).toEqual([
    { fromUid: alice.uid, channelId: alice.uid, channelType: 1, messageSeq: 1, text: "hello" },
  ]);
  expect(await alice.receive(1)).toMatchObject([{ channelId: bob.uid, text: "hello" }]);
  const [stored] = await tangSeng.findMessages(bob.uid, person(alice.uid), { ids: [sent.message_id] });
  expect(stored).toMatchObject({
    message_id: sent.message_id,
    message_idstr: String(sent.message_id),
    message_seq: 1,
    client_msg_no: sent.client_msg_no,
    from_uid: alice.uid,
    channel_id: bob.uid,
    channel_type: 1,
    header: KEPT,
  });
  expect(Math.abs(stored!.timestamp - Date.now() / 1_000)).toBeLessThan(60);
});

test("the same send twice is two messages, because it names no client_msg_no", async () => {
  const { tangSeng, register } = shared.current;
  const [a, b] = [await register("a"), await register("b")];
  const message = { header: KEPT, from: a, to: person(b), payload: text("again") };
  expect((await tangSeng.send(message)).message_seq).toBe(1);
  expect((await tangSeng.send(message)).message_seq).toBe(2);
});

test("a send to nobody, or without a payload, is refused with the text that TangSengDaoDao logs", async () => {
  const { tangSeng } = shared.current;
  await expect(tangSeng.send({ header: KEPT, payload: text("to nobody") })).rejects.toThrow("无法处理发送消息请求！");
  const http = shared.current.server.http;
  const empty = await http.post("/message/send", { channel_id: "g", channel_type: 2, payload: null });
  expect(empty.body).toEqual({ msg: "payload不能为空！", status: 400 });
});

test("a broadcast of the administration reaches everybody on the list, online or not, once", async () => {
  const { tangSeng, moveIn, register } = shared.current;
  using online = await moveIn("online");
  const others = await Promise.all(Array.from({ length: 30 }, () => register("away")));
  expect(await tangSeng.sendBatch(SYSTEM_ACCOUNT, [online.uid, ...others], text("maintenance"))).toEqual({
    fail_uids: [],
    reason: [],
  });
  expect(await online.receive(1)).toMatchObject([{ fromUid: SYSTEM_ACCOUNT, text: "maintenance" }]);
  for (const uid of others) {
    expect(await tangSeng.conversations(uid, {})).toMatchObject([
      { channel_id: SYSTEM_ACCOUNT, channel_type: 1, unread: 1, last_msg_seq: 1n },
    ]);
  }
});

test("the chat list of a start: newest first, every field true, then only what changed, then nothing", async () => {
  const { tangSeng, moveIn, register } = shared.current;
  using alice = await moveIn("alice");
  const bob = await register("bob");
  const channel = group(uniqueId("g"));
  await tangSeng.createChannel(channel, [alice.uid, bob]);
  for (const word of ["one", "two", "three"]) await alice.sendText(channel.id, 2, word);
  await alice.sendText(bob, 1, "to you");
  const larges = [{ ChannelID: channel.id, ChannelType: 2 }];
  const chats = await tangSeng.conversations(bob, { count: 2, larges });
  expect(chats.map((chat) => chat.channel_id)).toEqual([alice.uid, channel.id]);
  const ofGroup = byChannel(chats, channel.id);
  expect(ofGroup).toMatchObject({ channel_type: 2, unread: 3, last_msg_seq: 3n, offset_msg_seq: 0n });
  expect(contents(ofGroup.recents)).toEqual(["three", "two"]);
  expect(ofGroup.last_client_msg_no).toBe(ofGroup.recents[0]!.client_msg_no);
  expect(ofGroup.timestamp).toBe(BigInt(ofGroup.recents[0]!.timestamp));
  // A version is a number of nanoseconds of about now.
  expect(ofGroup.version / 10n ** 9n).toBeGreaterThanOrEqual(ofGroup.timestamp);
  const fromSender = await tangSeng.conversations(alice.uid, { larges: [] });
  expect(fromSender.map((chat) => [chat.channel_id, chat.unread])).toEqual([
    [bob, 0],
    [channel.id, 0],
  ]);

  const version = chats.reduce((greatest, chat) => (chat.version > greatest ? chat.version : greatest), 0n);
  await tangSeng.setUnread(bob, channel, 0, 3);
  await tangSeng.setUnread(bob, person(alice.uid), 0, 1);
  const read = await tangSeng.conversations(bob, { version, lastMsgSeqs: lastMsgSeqs(chats), count: 10 });
  expect(read.map((chat) => chat.unread)).toEqual([0, 0]);
  const newest = read.reduce((greatest, chat) => (chat.version > greatest ? chat.version : greatest), version);
  expect(await tangSeng.conversations(bob, { version: newest, lastMsgSeqs: lastMsgSeqs(chats), count: 10 })).toEqual(
    [],
  );
  await alice.sendText(channel.id, 2, "four");
  const changed = await tangSeng.conversations(bob, { version: newest, lastMsgSeqs: lastMsgSeqs(chats), count: 10 });
  expect(changed).toMatchObject([{ channel_id: channel.id, unread: 1, last_msg_seq: 4n }]);
  expect(contents(changed[0]!.recents)).toEqual(["four"]);
});

test("nobody's list is an empty list", async () => {
  const { tangSeng, register } = shared.current;
  expect(await tangSeng.conversations(await register("new"), {})).toEqual([]);
});

test("a deleted chat is gone until the next message, and shows only that one", async () => {
  const { tangSeng, register } = shared.current;
  const [a, b] = [await register("a"), await register("b")];
  await tangSeng.send({ header: KEPT, from: a, to: person(b), payload: text("old") });
  expect(await tangSeng.deleteConversation(b, person(a))).toEqual(OK);
  expect(await tangSeng.conversations(b, { count: 10 })).toEqual([]);
  await tangSeng.send({ header: KEPT, from: a, to: person(b), payload: text("new") });
  const chats = await tangSeng.conversations(b, { count: 10 });
  expect(chats).toMatchObject([{ channel_id: a, unread: 1, last_msg_seq: 2n }]);
  expect(contents(chats[0]!.recents)).toEqual(["new"]);
});

test("history by pages, up and down, with the numbers of the question in the answer", async () => {
  const { tangSeng, register } = shared.current;
  const [a, b] = [await register("a"), await register("b")];
  for (let n = 1; n <= 7; n++) {
    await tangSeng.send({
      header: KEPT,
      from: n % 2 === 0 ? a : b,
      to: person(n % 2 === 0 ? b : a),
      payload: text(`${n}`),
    });
  }
  const read = async (start: number, end: number, limit: number, mode: 0 | 1): Promise<unknown[]> => {
    const page = await tangSeng.history(a, person(b), { start, end, limit, mode });
    expect([page.start_message_seq, page.end_message_seq]).toEqual([start, end]);
    return contents(page.messages);
  };
  expect(await read(0, 0, 3, 1)).toEqual(["5", "6", "7"]);
  expect(await read(5, 0, 3, 0)).toEqual(["3", "4", "5"]);
  expect(await read(3, 0, 3, 1)).toEqual(["3", "4", "5"]);
  expect(await read(2, 5, 30, 1)).toEqual(["2", "3", "4"]);
  expect(await read(7, 4, 30, 0)).toEqual(["5", "6", "7"]);
  expect(await read(8, 0, 30, 1)).toEqual([]);
});

test("receipts, pinned messages, reports: messages by seq, id and number; null lists ask for nothing", async () => {
  const { tangSeng, register } = shared.current;
  const a = await register("a");
  const channel = group(uniqueId("g"));
  await tangSeng.createChannel(channel, [a]);
  const sent = [];
  for (const word of ["one", "two", "three"]) {
    sent.push(await tangSeng.send({ header: KEPT, from: a, to: channel, payload: text(word) }));
  }
  expect(contents(await tangSeng.messagesBySeqs(a, channel, [3, 1, 99]))).toEqual(["three", "one"]);
  expect(await tangSeng.findMessages(a, channel, {})).toEqual([]);
  const found = await tangSeng.findMessages(a, channel, {
    seqs: [2],
    ids: [sent[0]!.message_id],
    clientMsgNos: [sent[2]!.client_msg_no, "unknown"],
  });
  expect(contents(found)).toEqual(["two", "one", "three"]);
});

test("clearing a history asks for the last seq: 0 for an unused group; a person without login_uid is refused as in v2.2.5", async () => {
  const { tangSeng, register } = shared.current;
  const a = await register("a");
  const channel = group(uniqueId("g"));
  expect(await tangSeng.maxMessageSeq(channel)).toBe(0);
  await tangSeng.createChannel(channel, [a]);
  expect(await tangSeng.maxMessageSeq(channel)).toBe(0);
  await tangSeng.send({ header: KEPT, from: a, to: channel, payload: text("one") });
  expect(await tangSeng.maxMessageSeq(channel)).toBe(1);
  await expect(tangSeng.maxMessageSeq(person(a))).rejects.toThrow("login_uid不能为空");
});

test("files to oneself: the chat with the file helper is an ordinary one", async () => {
  const { tangSeng, moveIn } = shared.current;
  using alice = await moveIn("alice");
  expect(await alice.sendText(FILE_HELPER, 1, "a note")).toEqual({ reason: 1, messageSeq: 1 });
  const answer = await tangSeng.send({ header: KEPT, from: FILE_HELPER, to: person(alice.uid), payload: text("kept") });
  expect(answer.message_seq).toBe(2);
  expect(await alice.receive(1)).toMatchObject([{ fromUid: FILE_HELPER, channelId: FILE_HELPER, text: "kept" }]);
  await eventually(async () => {
    const chats = await tangSeng.conversations(alice.uid, { count: 5 });
    return chats.length === 1 && chats[0]!.unread === 1;
  }, "one chat with one unread message");
});
