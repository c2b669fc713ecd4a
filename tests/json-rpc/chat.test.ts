/** A chat with a JSON-RPC client at one end or both, on WebSocket and TCP. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { JsonClient } from "../harness/json-client.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { RED_DOT, type Received } from "../harness/wire-client.ts";

const shared = sharedServer();
const SENDS = 1_000;
const TRANSPORTS = ["websocket", "tcp"] as const;
const SETTING_TOPIC_AND_RECEIPT = 0x88;
const SETTING_STREAM = 0x02;

function connect(uid: string, transport: (typeof TRANSPORTS)[number] = "websocket"): Promise<JsonClient> {
  return JsonClient.connect({ uid, transport, ...shared.current.address(transport) });
}

const textOf = (payload: string): string => Buffer.from(payload, "base64").toString();

test.each(TRANSPORTS)("a JSON client and a binary one write to each other (%s)", async (transport) => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await connect(a, transport);
  using bob = await server.connect(b);

  const sent = await alice.send(b, PERSON, "from JSON", { clientMsgNo: "no-1" });
  expect(sent?.result).toEqual({
    header: { redDot: true },
    messageId: expect.any(String),
    messageSeq: 1,
    reasonCode: 1,
  });
  const [atBob] = (await bob.takeSome(1)) as [Received];
  expect(atBob).toMatchObject({ fromUid: a, channelId: a, clientMsgNo: "no-1", messageSeq: 1, flags: RED_DOT });
  expect(String(atBob.messageId)).toBe(sent?.result?.["messageId"]);
  expect(atBob.payload.toString()).toBe("from JSON");

  const answer = await bob.sendOk({ to: a, type: PERSON, payload: "from WKProto", clientMsgNo: "no-2" });
  expect(await alice.takeSome(1)).toEqual([
    {
      header: { redDot: true },
      messageId: String(answer.messageId),
      messageSeq: 2,
      clientMsgNo: "no-2",
      timestamp: expect.any(Number),
      channelId: b,
      channelType: PERSON,
      fromUid: b,
      payload: Buffer.from("from WKProto").toString("base64"),
    },
  ]);
  expect(await alice.ping()).toMatchObject({ jsonrpc: "2.0" });
  expect((await server.backEnd.history(a, b, PERSON)).map((message) => textOf(message.payload))).toEqual([
    "from JSON",
    "from WKProto",
  ]);
});

test("flags, setting, topic and expire arrive at both kinds of client", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await connect(a);
  using bobInJson = await connect(b);
  using bob = await server.connect(b);
  await alice.sendOk(b, PERSON, "x", {
    header: { redDot: true },
    setting: { topic: true, receipt: true },
    topic: "weather",
    expire: 3600,
  });
  expect(await bob.takeSome(1)).toMatchObject([
    { flags: RED_DOT, setting: SETTING_TOPIC_AND_RECEIPT, topic: "weather", expire: 3600 },
  ]);
  expect(await bobInJson.takeSome(1)).toMatchObject([
    { header: { redDot: true }, setting: { receipt: true, topic: true }, topic: "weather", expire: 3600 },
  ]);
});

test("a stream message has its own id as streamId in JSON, and no stream bit below version 5", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await connect(a);
  using json = await connect(b);
  using current = await server.connect(b);
  const { messageId } = await alice.sendOk(b, PERSON, "x", { setting: { stream: true } });
  expect(await json.takeSome(1)).toMatchObject([{ setting: { stream: true }, messageId, streamId: messageId }]);
  expect(await current.takeSome(1)).toMatchObject([{ setting: SETTING_STREAM }]);
  for (const version of [2, 3, 4]) {
    using old = await server.connect(b, { version });
    await alice.sendOk(b, PERSON, "y", { setting: { stream: true } });
    expect((await old.takeSome(1)).map(({ setting, payload }) => [setting, payload.toString()])).toEqual([[0, "y"]]);
  }
});

test("a message to nobody in particular has a fromUid, and one's own has no red dot", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using phone = await connect(a);
  using desk = await connect(a);
  await server.backEnd.send({ to: a, type: PERSON, text: "from the system" });
  expect(await desk.takeSome(1)).toMatchObject([{ fromUid: "", channelId: "" }]);
  expect(await phone.takeSome(1)).toMatchObject([{ fromUid: "", channelId: "" }]);
  await phone.sendOk(b, PERSON, "mine");
  const [own] = await desk.takeSome(1);
  expect(own).toMatchObject({ fromUid: a, channelId: b });
  expect(own).not.toHaveProperty("header");
});

test("a send without a number gets one of 32 hex digits, another for each", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await connect(a);
  using bob = await connect(b);
  for (const text of ["same", "same"]) await alice.sendOk(b, PERSON, text, { clientMsgNo: undefined });
  const numbers = (await bob.takeSome(2)).map((message) => message.clientMsgNo);
  for (const number of numbers) expect(number).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(numbers).size).toBe(2);
});

test("a refused send is a result with the reason and seq 0", async () => {
  const [a, group] = [uniqueId("a"), uniqueId("g")];
  await shared.current.backEnd.createGroup(group, [uniqueId("other")]);
  using alice = await connect(a);
  const answer = await alice.send(group, GROUP, "let me in");
  expect(answer?.error).toBeUndefined();
  expect(answer?.result).toMatchObject({ messageId: expect.any(String), messageSeq: 0, reasonCode: 3 });
});

test.each(TRANSPORTS)("1,000 sends in a row arrive in their order (%s)", async (transport) => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await connect(a, transport);
  using bob = await connect(b, transport);
  // The rows of the new chat are written before, so that under small bounds there is room for every send of the row.
  const first = await alice.sendOk(b, PERSON, "0");
  const others = await Promise.all(Array.from({ length: SENDS - 1 }, (_, n) => alice.sendOk(b, PERSON, `${n + 1}`)));
  const answers = [first, ...others];
  expect(answers.map((answer) => answer.messageSeq)).toEqual(Array.from({ length: SENDS }, (_, n) => n + 1));
  const received = await bob.takeSome(SENDS, 20_000);
  expect(received.map((message) => textOf(message.payload))).toEqual(Array.from({ length: SENDS }, (_, n) => `${n}`));
});
