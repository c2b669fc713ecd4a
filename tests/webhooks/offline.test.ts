/** INV-12, P21, R-21, R-29, R-31, R-72, R-73: msg.offline names who has no master device online, across outages and crashes. */
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { ServerProcess, type Settings } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { WebhookReceiver } from "../harness/webhook-receiver.ts";
import { NO_PERSIST, SYNC_ONCE, type WireClient } from "../harness/wire-client.ts";

interface Offline {
  readonly to_uids: readonly string[];
  readonly message_seq: number;
  readonly client_msg_no: string;
  readonly channel_id: string;
  readonly payload: string;
  readonly compress?: string;
  readonly compress_to_uids?: string;
}
const SLAVE = 0;
const MASTER = 1;
const APP = 0;
const WEB = 1;
const PC = 2;

function offlineOf(receiver: WebhookReceiver): readonly Offline[] {
  return receiver.taken.filter(({ event }) => event === "msg.offline").map(({ body }) => JSON.parse(body) as Offline);
}
function textOf({ payload }: Offline): string {
  return Buffer.from(payload, "base64").toString();
}
/** Waits for the one that says this, and gives it. */
function offlineSaying(receiver: WebhookReceiver, text: string, withinMs = 20_000): Promise<Offline> {
  return eventually(
    () => offlineOf(receiver).find((body) => textOf(body) === text),
    `msg.offline of ${text}`,
    withinMs,
  );
}
function start(receiver: WebhookReceiver, settings: Settings = {}): Promise<ServerProcess> {
  return ServerProcess.start({
    settings: {
      tokenAuthOn: true,
      "webhook.httpAddr": receiver.url,
      "webhook.focusEvents": "msg.offline",
      "webhook.offlineGrace": "1s",
      ...settings,
    },
  });
}
async function login(server: ServerProcess, uid: string, flag: number, level: number): Promise<WireClient> {
  const token = uniqueId("token");
  await server.backEnd.setToken(uid, token, flag, level);
  return server.connect(uid, { token, deviceFlag: flag });
}

test("R-73, R-29: in a group, exactly those without a master online are told, each once, the sender and the deny-listed never", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const logins: readonly { readonly devices: readonly (readonly [number, number])[]; readonly isTold: boolean }[] = [
    { devices: [], isTold: true },
    { devices: [[APP, SLAVE]], isTold: true },
    {
      devices: [
        [WEB, SLAVE],
        [PC, SLAVE],
      ],
      isTold: true,
    },
    { devices: [[APP, MASTER]], isTold: false },
    { devices: [[PC, MASTER]], isTold: false },
    {
      devices: [
        [APP, SLAVE],
        [WEB, MASTER],
      ],
      isTold: false,
    },
  ];
  const people = logins.map((each) => ({ ...each, uid: uniqueId("m") }));
  const denied = uniqueId("denied");
  const [sender, group] = [uniqueId("sender"), uniqueId("g")];
  await server.backEnd.createGroup(group, [sender, denied, ...people.map(({ uid }) => uid)]);
  await server.backEnd.editList("blacklist", "add", group, GROUP, [denied]);
  const clients = [];
  for (const { uid, devices } of people)
    for (const [flag, level] of devices) clients.push(await login(server, uid, flag, level));
  const told = people.filter(({ isTold }) => isTold).map(({ uid }) => uid);
  for (const level of [SLAVE, MASTER]) {
    using client = await login(server, sender, APP, level);
    await client.sendOk({ to: group, type: GROUP, payload: `from ${level}` });
    const body = await offlineSaying(receiver, `from ${level}`);
    expect([...body.to_uids].sort()).toEqual([...told].sort());
  }
  expect(offlineOf(receiver).length).toBe(2);
  for (const client of clients) client.close();
});

test("nothing is told of an agent's channel, or to nobody", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const [a, b, bot] = [uniqueId("a"), uniqueId("b"), uniqueId("bot")];
  using client = await login(server, a, APP, SLAVE);
  using other = await login(server, b, APP, MASTER);
  await client.sendOk({ to: bot, type: 11, payload: "to a bot" });
  await client.sendOk({ to: b, type: PERSON, payload: "to one online" });
  other.close();
  await eventually(
    async () => (await server.http.ask<readonly unknown[]>("/user/onlinestatus", [b])).length === 0,
    "b is gone",
  );
  await client.sendOk({ to: b, type: PERSON, payload: "to one offline" });
  await offlineSaying(receiver, "to one offline");
  expect(offlineOf(receiver).map(textOf)).toEqual(["to one offline"]);
});

test("commands and messages that are not kept are told too, the latter with seq 0", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await login(server, a, APP, SLAVE);
  await client.sendOk({ to: b, type: PERSON, payload: "command", flags: SYNC_ONCE });
  await client.sendOk({ to: b, type: PERSON, payload: "typing", flags: NO_PERSIST });
  expect(await offlineSaying(receiver, "command")).toMatchObject({ to_uids: [b], channel_id: b, message_seq: 1 });
  expect(await offlineSaying(receiver, "typing")).toMatchObject({ to_uids: [b], channel_id: b, message_seq: 0 });
});

test("a large group is told in several calls, packed whole where there are more than the bound", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver, {
    "limits.webhookOfflineUidsMax": 400,
    "channel.subscriberCompressOfCount": 300,
  });
  const [sender, group] = [uniqueId("sender"), uniqueId("g")];
  const members = Array.from({ length: 1_000 }, (_, index) => `${group}m${index}`);
  await server.backEnd.createGroup(group, [sender, ...members]);
  await server.backEnd.send({ from: sender, to: group, type: GROUP, text: "to all" });
  await eventually(() => offlineOf(receiver).length === 3, "three calls");
  const bodies = offlineOf(receiver);
  expect(bodies.map((body) => body.compress)).toEqual(["gzip", "gzip", undefined]);
  const uids = bodies.flatMap((body) =>
    body.compress_to_uids === undefined
      ? body.to_uids
      : (JSON.parse(gunzipSync(Buffer.from(body.compress_to_uids, "base64")).toString()) as string[]),
  );
  expect(uids.length).toBe(1_000);
  expect([...uids].sort()).toEqual([...members].sort());
});

test("R-31: what the receiver does not take is sent again under the same id, and only until it is taken", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver);
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  let refusals = 2;
  receiver.react = () => (refusals-- > 0 ? 500 : 200);
  await server.backEnd.send({ from: a, to: b, type: PERSON, text: "again" });
  await offlineSaying(receiver, "again");
  await server.backEnd.send({ from: a, to: b, type: PERSON, text: "next" });
  await offlineSaying(receiver, "next");
  const ids = receiver.seen.map(({ headers }) => headers["webhook-id"]);
  expect(ids.length).toBe(4);
  expect(new Set(ids.slice(0, 3)).size).toBe(1);
  expect(ids[3]).not.toBe(ids[0]);
});

test("R-21: what waited when the server was killed is told after the restart, to those who have neither come back nor read", async () => {
  await using receiver = await WebhookReceiver.start();
  receiver.react = () => 500;
  await using server = await start(receiver, { "webhook.offlineGrace": "8s" });
  const [sender, group] = [uniqueId("sender"), uniqueId("g")];
  const [gone, back, slave, read, other] = ["gone", "back", "slave", "read", "other"].map(uniqueId) as [
    string,
    string,
    string,
    string,
    string,
  ];
  await server.backEnd.createGroup(group, [sender, gone, back, slave, read, other]);
  const backToken = uniqueId("token");
  await server.backEnd.setToken(back, backToken, APP, MASTER);
  await server.backEnd.send({ from: sender, to: group, type: GROUP, text: "while down" });
  await server.backEnd.send({ from: other, to: group, type: GROUP, text: "also down" });
  await eventually(() => receiver.seen.length > 0, "a call is tried");
  await server.restart("SIGKILL");
  receiver.react = () => 200;
  using again = await server.connect(back, { token: backToken, deviceFlag: APP });
  using slaveClient = await login(server, slave, WEB, SLAVE);
  await server.backEnd.clearUnread(read, group, GROUP);
  const first = await offlineSaying(receiver, "while down");
  // He has sent since, so he has seen it.
  expect([...first.to_uids].sort()).toEqual([gone, slave].sort());
  const second = await offlineSaying(receiver, "also down");
  expect([...second.to_uids].sort()).toEqual([gone, sender, slave].sort());
  await server.backEnd.send({ from: sender, to: group, type: GROUP, text: "as ever" });
  const third = await offlineSaying(receiver, "as ever");
  expect([...third.to_uids].sort()).toEqual([gone, other, read, slave].sort());
  expect(again.isClosed || slaveClient.isClosed).toBe(false);
});

test("INV-12: killed again and again while it sends, every acknowledged message is told at least once", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver, { "webhook.offlineGrace": "100ms" });
  const [sender, to] = [uniqueId("sender"), uniqueId("to")];
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round++) {
    // Every third call finds the receiver in trouble.
    let calls = 0;
    receiver.react = () => (calls++ % 3 === 2 ? 500 : 200);
    using client = await login(server, sender, APP, SLAVE);
    const list = Array.from({ length: 30 }, (_, index) => ({
      to,
      type: PERSON,
      payload: `${round} ${index}`,
      clientMsgNo: uniqueId("no"),
    }));
    for (const answer of await client.burst(list))
      if (answer.outcome === "answered" && answer.reason === 1) acknowledged.push(answer.clientMsgNo);
    await server.restart("SIGKILL");
  }
  receiver.react = () => 200;
  expect(acknowledged.length).toBe(120);
  await eventually(
    () => {
      const told = new Set(offlineOf(receiver).map((body) => body.client_msg_no));
      return acknowledged.every((no) => told.has(no));
    },
    "all are told",
    30_000,
  );
  expect(offlineOf(receiver).every((body) => body.to_uids.length === 1 && body.to_uids[0] === to)).toBe(true);
});

test("R-72: a phone that acknowledges nothing, or went without having done so, is told after webhook.offlineUnackedAfter, one that does is not", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start(receiver, { "webhook.offlineUnackedAfter": "1s" });
  const [sender, silent, gone, well, group] = [
    uniqueId("sender"),
    uniqueId("silent"),
    uniqueId("gone"),
    uniqueId("well"),
    uniqueId("g"),
  ];
  await server.backEnd.createGroup(group, [sender, silent, gone, well]);
  const phones = [];
  for (const uid of [silent, gone, well]) phones.push(await login(server, uid, APP, MASTER));
  for (const phone of phones.slice(0, 2)) phone.acknowledges = false;
  using client = await login(server, sender, APP, MASTER);
  await client.sendOk({ to: group, type: GROUP, payload: "are you there" });
  for (const phone of phones) await phone.takeSome(1);
  phones[1]?.close();
  const body = await offlineSaying(receiver, "are you there");
  expect([...body.to_uids].sort()).toEqual([silent, gone].sort());
  // Whoever has answered one message is there again for the next.
  phones[0]!.acknowledges = true;
  await client.sendOk({ to: group, type: GROUP, payload: "and now" });
  const next = await offlineSaying(receiver, "and now");
  expect(next.to_uids).toEqual([gone]);
  for (const phone of phones) phone.close();
});
