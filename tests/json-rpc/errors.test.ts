/** What is wrong costs one message and is told with a code; only what cannot go on ends the connection. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { JsonClient, sendParams } from "../harness/json-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer({ settings: { tokenAuthOn: true, "limits.frameBytesMax": 65_536 } });
const WEB = 1;
const SLAVE = 0;
const TRANSPORTS = ["websocket", "tcp"] as const;

async function options(
  transport: (typeof TRANSPORTS)[number],
  token = "t",
): Promise<Parameters<typeof JsonClient.open>[0]> {
  const uid = uniqueId("a");
  await shared.current.backEnd.setToken(uid, "t", WEB, SLAVE);
  return { uid, token, transport, ...shared.current.address(transport) };
}

test.each(TRANSPORTS)("a bad message in the middle is answered and the next ones work (%s)", async (transport) => {
  using alice = await JsonClient.connect(await options(transport));
  const to = uniqueId("b");
  const bad: [string, number][] = [
    ['{"method":ping}', -32_700],
    ["hello ", -32_700],
    ['[{"method":"ping","id":"1"}]', -32_600],
    ['{"id":1,"method":"ping"}', -32_600],
    ["{}", -32_600],
    ['{"method":"ping"}', -32_601],
    ['{"method":"recvack","params":7}', -32_602],
  ];
  let seq = 0;
  for (const [text, code] of bad) {
    alice.write(text);
    expect(await alice.sendOk(to, PERSON, `after ${text}`)).toMatchObject({ messageSeq: ++seq });
    expect(alice.errors.splice(0)).toMatchObject([{ code, message: expect.any(String) }]);
  }
  expect(alice.faults).toEqual([]);
});

test.each([
  ["subscribe", { subNo: "1", channelId: "g", channelType: 2 }, -32_601],
  ["unsubscribe", { subNo: "1", channelId: "g", channelType: 2 }, -32_601],
  ["recvack", { messageId: "1", messageSeq: 1 }, -32_601],
  ["dance", {}, -32_601],
  ["send", { channelId: "b", channelType: 1, payload: { type: 1 } }, -32_602],
  ["send", { channelId: "b", channelType: 1, payload: "not base64!" }, -32_602],
  ["send", { channelId: "b", channelType: 1, topic: "x".repeat(40_000) }, -32_602],
  ["connect", { uid: "again" }, -32_600],
])("the request %s %o is answered with its id and a code", async (method, params, code) => {
  using alice = await JsonClient.connect(await options("websocket"));
  expect(await alice.request(method, params)).toMatchObject({ error: { code } });
  expect(await alice.ping()).toBeDefined();
});

test("an id that is too long is not kept, and not repeated", async () => {
  using alice = await JsonClient.connect(await options("websocket"));
  alice.write(JSON.stringify({ method: "send", id: "x".repeat(1_025), params: sendParams("b", PERSON, "x") }));
  expect(await alice.ping()).toBeDefined();
  expect(alice.errors).toMatchObject([{ code: -32_600 }]);
});

test.each(TRANSPORTS)(
  "a refused connect is an error with the reason, and then the connection ends (%s)",
  async (transport) => {
    using mallory = await JsonClient.open(await options(transport, "wrong"));
    expect(await mallory.login()).toMatchObject({ error: { code: 2, message: expect.any(String) } });
    await mallory.closed;
  },
);

test.each([
  ["connect", { uid: "a@b", token: "t" }, 2],
  ["connect", { uid: "", token: "t" }, 2],
  ["connect", { uid: "a", deviceId: "d".repeat(256), token: "t" }, 2],
  ["ping", {}, -32_600],
  ["send", sendParams("b", PERSON, "x"), -32_600],
])("before the login %s %o gets an error and the connection ends", async (method, params, code) => {
  using client = await JsonClient.open(await options("websocket"));
  expect(await client.request(method, params)).toMatchObject({ error: { code } });
  await client.closed;
});

test("before the login a bad message is answered too, and the client may try again", async () => {
  using client = await JsonClient.open(await options("tcp"));
  client.write(" \r\n\t{]");
  expect(await client.login()).toMatchObject({
    result: { reasonCode: 1, serverVersion: 5, nodeId: expect.any(Number) },
  });
  expect(client.errors).toMatchObject([{ code: -32_700 }]);
});

test("cut at every byte, a whole session over TCP is the same", async () => {
  const to = uniqueId("b");
  const using = await options("tcp");
  const probe = await JsonClient.open(using);
  const text = [
    JSON.stringify({ method: "connect", params: probe.connectParams(), id: "c" }),
    JSON.stringify({
      method: "send",
      params: sendParams(to, PERSON, 'brackets "}]{[" and ✓ 😀', { clientMsgNo: "n" }),
      id: "s",
    }),
    JSON.stringify({ method: "ping", params: {}, id: "p" }),
  ].join("\n");
  probe.close();
  const bytes = Buffer.from(text);
  for (let at = 1; at < bytes.length; at++) {
    using client = await JsonClient.open(using);
    const answers = Promise.all(["c", "s", "p"].map((id) => client.answerTo(id)));
    client.write(bytes.subarray(0, at));
    await new Promise((resolve) => setImmediate(resolve));
    client.write(bytes.subarray(at));
    expect(await answers, `cut at ${at}`).toMatchObject([
      { result: { reasonCode: 1 } },
      { result: { reasonCode: 1, messageSeq: 1 } },
      { id: "p" },
    ]);
    expect(client.faults).toEqual([]);
  }
});

test("several objects in one WebSocket message, and one over several, are all answered, one message each", async () => {
  using alice = await JsonClient.connect(await options("websocket"));
  const ping = (id: string): string => JSON.stringify({ method: "ping", params: {}, id });
  const together = Promise.all(["1", "2", "3"].map((id) => alice.answerTo(id)));
  alice.write(ping("1") + ping("2") + ping("3"));
  expect(await together).toMatchObject([{ id: "1" }, { id: "2" }, { id: "3" }]);
  const apart = alice.answerTo("4");
  for (const part of [ping("4").slice(0, 9), ping("4").slice(9)]) alice.write(part);
  expect(await apart).toMatchObject({ id: "4" });
  expect(alice.faults).toEqual([]);
});

test("a text beyond limits.frameBytesMax is an error and ends the connection", async () => {
  using alice = await JsonClient.connect(await options("websocket"));
  alice.write(`{"a":"${"x".repeat(66_000)}`);
  await alice.closed;
  expect(alice.errors).toMatchObject([{ code: -32_600 }]);
});

test("a kick is a disconnect notification, and disconnect ends the connection", async () => {
  const to = await options("websocket");
  await shared.current.backEnd.setToken(to.uid, "t", WEB, 1);
  using first = await JsonClient.connect(to);
  using second = await JsonClient.connect(to);
  await first.closed;
  expect(first.disconnects).toMatchObject([{ reasonCode: 12 }]);
  void second.request("disconnect", { reasonCode: 0 });
  await second.closed;
  expect(second.disconnects).toEqual([]);
});

test("with disableJSONRPC a JSON client gets nothing", async () => {
  await using server = await ServerProcess.start({ settings: { disableJSONRPC: true } });
  using client = await JsonClient.open({ uid: "a", ...server.address("websocket") });
  expect(await client.login()).toBeUndefined();
  expect(client.isClosed).toBe(true);
});
