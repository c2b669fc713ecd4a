/** Person chats with whitelistOffOfPerson=false: only whom the receiver lists may write to him. */
import { expect, test } from "vitest";
import { PERSON, texts } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const ALLOW_LIST_ON = { whitelistOffOfPerson: false };
const ALLOW_LIST_OFF = { whitelistOffOfPerson: true };
const NOT_ON_ALLOW_LIST = 13;
const shared = sharedServer({ settings: ALLOW_LIST_ON });

test("R-01: with only the receiver's allow list filled, an offline receiver finds the chat with unread 1", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await server.backEnd.editList("whitelist", "add", b, PERSON, [a]);
  using client = await server.connect(a);
  await client.sendOk({ to: b, type: PERSON, payload: "hello" });
  const chat = await server.backEnd.chatOf(b, a);
  expect([chat.unread, texts(chat.recents)]).toEqual([1, ["hello"]]);
});

test("H-17: only the receiver lists the sender: both have the chat, and the way back is refused", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await server.backEnd.editList("whitelist", "add", b, PERSON, [a]);
  using client = await server.connect(a);
  using other = await server.connect(b);
  await client.sendOk({ to: b, type: PERSON, payload: "hello" });
  expect(await other.send({ to: a, type: PERSON, payload: "back" })).toMatchObject({
    reason: NOT_ON_ALLOW_LIST,
    messageSeq: 0,
  });
  for (const [reader, peer, unread] of [
    [a, b, 0],
    [b, a, 1],
  ] as const) {
    expect(await server.backEnd.chatOf(reader, peer)).toMatchObject({ unread, last_msg_seq: 1 });
  }
});

test("H-18: the list filled by set instead of add gives the rows too", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await server.backEnd.editList("whitelist", "set", b, PERSON, [a]);
  using client = await server.connect(a);
  await client.sendOk({ to: b, type: PERSON, payload: "hello" });
  expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 1 });
  expect(await server.backEnd.chatOf(a, b)).toMatchObject({ unread: 0 });
});

test("H-19: a message of a system account or the HTTP API from a uid in no list gives the row", async () => {
  const { backEnd, http } = shared.current;
  const [account, stranger, b] = [uniqueId("sys"), uniqueId("s"), uniqueId("b")];
  await http.ask("/user/systemuids_add", { uids: [account] });
  using client = await shared.current.connect(account);
  await client.sendOk({ to: b, type: PERSON, payload: "from the account" });
  await backEnd.send({ from: stranger, to: b, type: PERSON, text: "from the API" });
  expect((await backEnd.sync(b)).map((chat) => [chat.channel_id, chat.unread])).toEqual([
    [stranger, 1],
    [account, 1],
  ]);
});

test("H-20: switching whitelistOffOfPerson in either direction loses no chat", async () => {
  await using server = await ServerProcess.start({ settings: ALLOW_LIST_ON });
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  await server.backEnd.editList("whitelist", "add", b, PERSON, [a]);
  {
    using client = await server.connect(a);
    await client.sendOk({ to: b, type: PERSON, payload: "listed" });
    expect(await client.send({ to: c, type: PERSON, payload: "refused" })).toMatchObject({ reason: NOT_ON_ALLOW_LIST });
  }
  await server.restart("SIGTERM", ALLOW_LIST_OFF);
  {
    using client = await server.connect(a);
    await client.sendOk({ to: b, type: PERSON, payload: "second" });
    await client.sendOk({ to: c, type: PERSON, payload: "now allowed" });
  }
  await server.restart("SIGTERM", ALLOW_LIST_ON);
  {
    using client = await server.connect(a);
    await client.sendOk({ to: b, type: PERSON, payload: "third" });
    expect(await client.send({ to: c, type: PERSON, payload: "refused" })).toMatchObject({ reason: NOT_ON_ALLOW_LIST });
  }
  expect(texts((await server.backEnd.chatOf(b, a)).recents)).toEqual(["third", "second", "listed"]);
  expect(texts((await server.backEnd.chatOf(c, a)).recents)).toEqual(["now allowed"]);
  expect((await server.backEnd.sync(a)).map((chat) => chat.channel_id).toSorted()).toEqual([b, c].toSorted());
});

test("R-68: after removal from the allow list the next send is refused with the allow list's reason", async () => {
  const server = shared.current;
  const [a, b, other] = [uniqueId("a"), uniqueId("b"), uniqueId("o")];
  await server.backEnd.editList("whitelist", "add", b, PERSON, [a, other]);
  using client = await server.connect(a);
  await client.sendOk({ to: b, type: PERSON, payload: "1" });
  await server.backEnd.editList("whitelist", "remove", b, PERSON, [a]);
  expect(await client.send({ to: b, type: PERSON, payload: "2" })).toMatchObject({ reason: NOT_ON_ALLOW_LIST });
  await server.backEnd.editList("whitelist", "add", b, PERSON, [a]);
  await client.sendOk({ to: b, type: PERSON, payload: "3" });
  await server.backEnd.editList("whitelist", "set", b, PERSON, [other]);
  expect(await client.send({ to: b, type: PERSON, payload: "4" })).toMatchObject({ reason: NOT_ON_ALLOW_LIST });
  await server.backEnd.editList("whitelist", "add", b, PERSON, [a]);
  await server.backEnd.clearList("whitelist", b, PERSON);
  expect(await client.send({ to: b, type: PERSON, payload: "5" })).toMatchObject({ reason: NOT_ON_ALLOW_LIST });
  expect(texts((await server.backEnd.chatOf(b, a)).recents)).toEqual(["3", "1"]);
});
