/** Clients of every generation in one group: each reads its own layout, all see one order, and a retry is known in any protocol. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { JsonClient } from "../harness/json-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";

const shared = sharedServer();
const VERSIONS = [2, 4, 5, 6] as const;
const ROUNDS = 40;
const SETTING_NO_ENCRYPT = 0x10;

test("versions 2, 4, 5, 6 and JSON in one group see the same messages in the same order", async () => {
  const server = shared.current;
  const group = uniqueId("g");
  const uids = [...VERSIONS, "json"].map((version) => uniqueId(`v${version}`));
  const reader = uniqueId("reader");
  await server.backEnd.createGroup(group, [...uids, reader]);
  const binary = await Promise.all(VERSIONS.map((version, n) => server.connect(uids[n]!, { version })));
  using json = await JsonClient.connect({ uid: uids.at(-1)!, ...server.address("websocket") });
  const readers = await Promise.all(VERSIONS.map((version) => server.connect(reader, { version })));
  using jsonReader = await JsonClient.connect({ uid: reader, ...server.address("websocket") });

  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([
      ...binary.map((client) => client.sendOk({ to: group, type: GROUP, payload: `${client.uid} ${round}` })),
      json.sendOk(group, GROUP, `json ${round}`),
    ]);
  }
  const count = ROUNDS * uids.length;
  const inJson = await jsonReader.takeSome(count);
  const expected = inJson.map((message) => [
    message.messageSeq,
    message.messageId,
    message.clientMsgNo,
    Buffer.from(message.payload, "base64").toString(),
  ]);
  expect(expected.map(([seq]) => seq)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  for (const client of readers) {
    const seen = (await client.takeSome(count)).map((message) => [
      message.messageSeq,
      String(message.messageId),
      message.clientMsgNo,
      message.payload.toString(),
    ]);
    expect(seen).toEqual(expected);
  }
  for (const client of [...binary, ...readers]) client.close();
});

test.each([
  [6, 6],
  [7, 5],
  [255, 5],
])("a client that says version %i gets %i", async (version, negotiated) => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await WireClient.open({ uid: a, version, ...server.address() });
  expect(await client.login()).toMatchObject({ outcome: "connack", reason: 1, serverVersion: negotiated });
  // Read as that version says; the answer's tail and every msgKey are checked by the client itself.
  using peer = await server.connect(b);
  await client.sendOk({ to: b, type: PERSON, payload: "there" });
  await peer.takeSome(1);
  await peer.sendOk({ to: a, type: PERSON, payload: "back" });
  expect(await client.takeSome(1)).toMatchObject([{ messageSeq: 2 }]);
});

test("the same message again in another protocol is the first one", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const clientMsgNo = uniqueId("no");
  using json = await JsonClient.connect({ uid: a, ...server.address("websocket") });
  const first = await json.sendOk(b, PERSON, "once", { clientMsgNo });
  for (const version of VERSIONS) {
    using client = await server.connect(a, { version });
    const again = await client.sendOk({ to: b, type: PERSON, payload: "once", clientMsgNo });
    expect([String(again.messageId), again.messageSeq]).toEqual([first.messageId, first.messageSeq]);
  }
  expect(await json.sendOk(b, PERSON, "once", { clientMsgNo })).toEqual(first);
  expect((await json.send(b, PERSON, "other", { clientMsgNo }))?.result).toMatchObject({ reasonCode: 28 });
  expect(await server.backEnd.history(a, b, PERSON)).toHaveLength(1);
});

test("a RECVACK of version 6 is understood: the message is not pushed again", async () => {
  const settings = { "messageRetry.interval": "200ms", "messageRetry.scanInterval": "50ms" };
  await using server = await ServerProcess.start({ settings });
  using mute = await server.connect("b", { version: 6, acknowledges: false });
  using a = await server.connect("a", { version: 6 });
  await a.sendOk({ to: "b", type: PERSON, payload: "x" });
  const [first, again] = await mute.takeSome(2);
  expect(again?.messageId).toBe(first?.messageId);
  mute.acknowledge(first!);
  expect(await mute.ping()).toBe(true);
  mute.take();
  expect(await mute.until(() => mute.received.length > 0, 600)).toBe(false);
});

test("Setting.NoEncrypt means nothing unless allowNoEncrypt is on, and receivers get the message encrypted", async () => {
  const plain = {
    to: "b",
    type: PERSON,
    payload: "plain",
    setting: SETTING_NO_ENCRYPT,
    isPlain: true,
    hasBadKey: true,
  };
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using strict = await shared.current.connect(a);
  expect(await strict.send({ ...plain, to: b })).toMatchObject({ reason: 9 });
  await using server = await ServerProcess.start({ settings: { allowNoEncrypt: true } });
  using sender = await server.connect("a");
  using receiver = await server.connect("b");
  await sender.sendOk(plain);
  const [message] = await receiver.takeSome(1);
  expect([message?.setting, message?.payload.toString()]).toEqual([0, "plain"]);
});
