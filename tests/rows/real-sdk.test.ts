/** The published wukongimjssdk, unchanged, against a real process with token login. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { SdkClient, SdkStatus } from "../harness/sdk-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

const WEB = 1;
const SLAVE = 0;
const MASTER = 1;
const RECONNECTS = 1_000;
const WITH_TOKENS = { settings: { tokenAuthOn: true } };
const shared = sharedServer(WITH_TOKENS);

beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** The SDK stores JSON like this as the payload of a text. */
function payloadOf(text: string): string {
  return JSON.stringify({ content: text, type: 1 });
}
async function login(server: ServerProcess, uid: string, level = SLAVE): Promise<SdkClient> {
  const token = uniqueId("token");
  await server.backEnd.setToken(uid, token, WEB, level);
  return SdkClient.connect({ uid, token, wsPort: server.wsPort });
}

test("real SDK: connects with a token, sends and receives encrypted text", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await login(server, a);
  using bob = await login(server, b);
  expect(await alice.sendText(b, PERSON, "hello 你好 👋")).toEqual({ reason: 1, messageSeq: 1 });
  expect(await bob.receive(1)).toEqual([
    { fromUid: a, channelId: a, channelType: PERSON, messageSeq: 1, text: "hello 你好 👋" },
  ]);
  expect(await bob.sendText(a, PERSON, "back")).toEqual({ reason: 1, messageSeq: 2 });
  expect(await alice.receive(1)).toMatchObject([{ fromUid: b, channelId: b, text: "back" }]);
  // The server stored plain text, so the session was encrypted and decrypted with the right keys.
  const stored = texts(await server.backEnd.history(a, b, PERSON)).map(
    (text) => (JSON.parse(text) as { readonly content: string }).content,
  );
  expect(stored).toEqual(["hello 你好 👋", "back"]);
});

test("real SDK: a wrong token is told, and there is no reconnect", async () => {
  const server = shared.current;
  const uid = uniqueId("a");
  await server.backEnd.setToken(uid, "right", WEB, SLAVE);
  using client = await SdkClient.create({ uid, token: "wrong", wsPort: server.wsPort });
  client.start();
  await eventually(() => client.statuses.length > 0, "the SDK hears of the refusal");
  expect(client.statuses[0]).toEqual({ status: SdkStatus.connectFail, reason: 2 });
});

test("real SDK: a group message reaches all members, in order", async () => {
  const server = shared.current;
  const [group, a, b, c] = [uniqueId("g"), uniqueId("a"), uniqueId("b"), uniqueId("c")];
  await server.backEnd.createGroup(group, [a, b, c]);
  using alice = await login(server, a);
  using bob = await login(server, b);
  using carol = await login(server, c);
  const list = Array.from({ length: 10 }, (_item, n) => `message ${n}`);
  const answers = await Promise.all(list.map((text) => alice.sendText(group, GROUP, text)));
  expect(answers.map((answer) => answer.reason)).toEqual(list.map(() => 1));
  for (const reader of [bob, carol]) {
    const received = await reader.receive(10);
    expect(received.map((message) => message.text)).toEqual(list);
    expect(received.map((message) => message.messageSeq)).toEqual(list.map((_text, n) => n + 1));
    expect(received[0]).toMatchObject({ fromUid: a, channelId: group, channelType: GROUP });
  }
});

test("real SDK: after a reconnect the missed messages are in the list and in history", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await login(server, a);
  using bob = await login(server, b);
  await alice.sendText(b, PERSON, "seen");
  await bob.receive(1);
  bob.disconnect();
  for (const text of ["missed 1", "missed 2"]) await alice.sendText(b, PERSON, text);
  await bob.connect();
  const chat = await server.backEnd.chatOf(b, a, PERSON, { last_msg_seqs: `${a}:1:1`, version: 1 });
  expect(texts(chat.recents)).toEqual([payloadOf("missed 2"), payloadOf("missed 1")]);
  expect(await server.backEnd.history(b, a, PERSON)).toHaveLength(3);
  await alice.sendText(b, PERSON, "live again");
  expect(await bob.receive(1)).toMatchObject([{ text: "live again", messageSeq: 4 }]);
});

test("real SDK: it comes back by itself after a restart of the server, and what it sent meanwhile is stored once", async () => {
  await using server = await ServerProcess.start(WITH_TOKENS);
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await login(server, a);
  using bob = await login(server, b);
  await alice.sendText(b, PERSON, "before");
  await bob.receive(1);
  await server.kill();
  await eventually(() => alice.status === SdkStatus.disconnect, "the SDK notices the end");
  const meanwhile = alice.sendText(b, PERSON, "meanwhile");
  await server.startAgain();
  expect(await meanwhile).toEqual({ reason: 1, messageSeq: 2 });
  await eventually(() => bob.status === SdkStatus.connected, "the other SDK is back", 15_000);
  await alice.sendText(b, PERSON, "after");
  await eventually(() => bob.received.some((message) => message.text === "after"), "the message after the restart");
  expect(texts(await server.backEnd.history(a, b, PERSON))).toEqual(["before", "meanwhile", "after"].map(payloadOf));
});

test("real SDK: a kicked device learns the reason", async () => {
  const server = shared.current;
  const uid = uniqueId("a");
  using first = await login(server, uid, MASTER);
  using second = await login(server, uid, MASTER);
  await eventually(() => first.status === SdkStatus.connectKick, "the first device is told");
  expect(first.statuses.at(-1)).toEqual({ status: SdkStatus.connectKick, reason: 12 });
  expect(second.status).toBe(SdkStatus.connected);
  await eventually(
    async () => (await server.backEnd.onlineStatus([uid])).length === 1,
    "only the second device is online",
  );
});

test("real SDK: 1,000 reconnects leave no ghosts", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await login(server, a);
  using bob = await login(server, b);
  for (let n = 0; n < RECONNECTS; n++) {
    alice.disconnect();
    await alice.connect();
  }
  await eventually(async () => (await server.backEnd.onlineStatus([a])).length === 1, "one session is left");
  await bob.sendText(a, PERSON, "once");
  expect(await alice.receive(1)).toMatchObject([{ text: "once" }]);
  expect(await server.backEnd.onlineStatus([a, b])).toHaveLength(2);
});
