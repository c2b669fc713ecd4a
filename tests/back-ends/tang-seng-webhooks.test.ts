/** TangSengDaoDao's webhook: what it decodes of each event, and what it makes of it. It answers 400 to what it cannot read. */
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tryParseJson } from "../harness/exact-json.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { type Delivery, WebhookReceiver } from "../harness/webhook-receiver.ts";
import { type Decoded, decodeGo } from "./go-json.ts";
import { contentOf, MESSAGE, TangSeng, type TangSengMessage } from "./tang-seng.ts";
import { APP, group, KEPT, MASTER, person, SLAVE, WEB } from "./tang-seng-town.ts";

const OFFLINE = {
  ...MESSAGE,
  to_uids: ["string"],
  compress: "string",
  compress_to_uids: "bytes",
  source_id: "int64",
} as const;
const EVENTS = { "msg.notify": [MESSAGE], "msg.offline": OFFLINE, "user.onlinestatus": ["string"] } as const;

const held: { receiver?: WebhookReceiver; server?: ServerProcess; tangSeng?: TangSeng } = {};
/** What it would put into its tables, and hand to its listeners. */
const stored: TangSengMessage[] = [];
const pushed: Decoded<typeof OFFLINE>[] = [];
const statuses: string[] = [];

beforeAll(async () => {
  held.receiver = await WebhookReceiver.start();
  held.receiver.react = (delivery) => (take(delivery) ? 200 : 400);
  held.server = await ServerProcess.start({ settings: { tokenAuthOn: true, "webhook.httpAddr": held.receiver.url } });
  held.tangSeng = new TangSeng(held.server.http);
});
afterAll(async () => {
  await held.server?.dispose();
  await held.receiver?.close();
});

function take({ event, body }: Delivery): boolean {
  const json = tryParseJson(body);
  switch (event) {
    case "msg.notify":
      // Commands and what is not kept are skipped by their flags.
      stored.push(...decodeGo(json, EVENTS[event]).filter(({ header }) => header.sync_once + header.no_persist === 0));
      return true;
    case "msg.offline": {
      const offline = decodeGo(json, EVENTS[event]);
      if (contentOf(offline)["type"] === undefined) return false;
      pushed.push(offline);
      return true;
    }
    case "user.onlinestatus":
      statuses.push(...decodeGo(json, EVENTS[event]));
      return true;
    default:
      return true;
  }
}

/** It makes the id under which a person chat is stored out of sender and channel. */
function storedChannelId(message: TangSengMessage): string {
  if (message.channel_type !== 1) return message.channel_id;
  const { from_uid: a, channel_id: b } = message;
  return crc32(a) > crc32(b) ? `${a}@${b}` : `${b}@${a}`;
}

function text(content: string): { readonly type: 1; readonly content: string } {
  return { type: 1, content };
}

test("messages reach its tables under the channel that the server stores them in, once, in their order; commands do not", async () => {
  const tangSeng = held.tangSeng!;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const channel = group(uniqueId("g"));
  await tangSeng.createChannel(channel, [a, b]);
  const sent = [
    await tangSeng.send({ header: KEPT, from: a, to: person(b), payload: text("1") }),
    await tangSeng.send({ header: KEPT, from: b, to: person(a), payload: text("2") }),
    await tangSeng.send({ header: KEPT, from: a, to: channel, payload: text("3") }),
    await tangSeng.send({ header: KEPT, to: channel, payload: { type: 1001, content: "notice" } }),
  ];
  await tangSeng.sendCommand({ cmd: "typing", to: channel, param: {}, isTransient: true });
  await tangSeng.sendCommand({ cmd: "memberUpdate", to: channel, param: {} });
  await tangSeng.send({ header: KEPT, from: a, to: channel, payload: text("last") });
  const ofGroup = (): TangSengMessage[] => stored.filter(({ channel_id }) => channel_id === channel.id);
  const ofPersons = (): TangSengMessage[] => stored.filter(({ channel_id }) => channel_id === a || channel_id === b);
  await eventually(() => ofGroup().length >= 3 && ofPersons().length >= 2, "all messages are notified");
  expect(ofGroup().map((message) => contentOf(message)["content"])).toEqual(["3", "notice", "last"]);
  expect(ofGroup().map(({ from_uid }) => from_uid)).toEqual([a, "", a]);
  expect(ofPersons().map((message) => contentOf(message)["content"])).toEqual(["1", "2"]);
  const [personChannel] = (await held.server!.backEnd.channels(a)).filter(({ channel_type }) => channel_type === 1);
  for (const message of ofPersons()) expect(storedChannelId(message)).toBe(personChannel!.channel_id);
  const ids = [...ofPersons(), ...ofGroup()].map(({ message_id }) => message_id);
  expect(ids.slice(0, 4)).toEqual(sent.map(({ message_id }) => message_id));
});

test("pushes are for those without a main device, never for the sender, and a command says that it is one", async () => {
  const tangSeng = held.tangSeng!;
  const [sender, withApp, away] = [uniqueId("s"), uniqueId("w"), uniqueId("o")];
  await tangSeng.updateToken(withApp, "t", MASTER, APP);
  using client = await held.server!.connect(withApp, { token: "t", deviceFlag: APP });
  const channel = group(uniqueId("g"));
  await tangSeng.createChannel(channel, [sender, withApp, away]);
  await tangSeng.send({ header: KEPT, from: sender, to: channel, payload: text("hello") });
  await tangSeng.sendCommand({ cmd: "room.invoke", from: sender, to: channel, param: {} });
  const ofGroup = (): Decoded<typeof OFFLINE>[] => pushed.filter(({ channel_id }) => channel_id === channel.id);
  await eventually(() => ofGroup().length >= 2, "both are told");
  const [message, command] = ofGroup().toSorted((one, other) => one.header.sync_once - other.header.sync_once);
  expect(message).toMatchObject({ from_uid: sender, channel_type: 2, message_seq: 1, compress: "", to_uids: [away] });
  expect(command).toMatchObject({ from_uid: sender, channel_id: channel.id, header: { sync_once: 1 } });
  expect(contentOf(command!)).toMatchObject({ cmd: "room.invoke" });
  expect(client.isClosed).toBe(false);
});

test("who comes and goes: six parts that it splits at the dash, with the counts of the device and of all devices", async () => {
  const uid = uniqueId("u");
  const entries = (): string[][] =>
    statuses.filter((entry) => entry.startsWith(`${uid}-`)).map((entry) => entry.split("-"));
  const expectNext = async (count: number, flag: number, online: number, counts: [number, number]): Promise<void> => {
    await eventually(() => entries().length >= count, `${count} changes of ${uid}`);
    const parts = entries()[count - 1]!;
    expect(parts).toHaveLength(6);
    expect([parts[1], parts[2], parts[4], parts[5]].map(Number)).toEqual([flag, online, ...counts]);
    expect(Number(parts[3])).toBeGreaterThan(0);
  };
  for (const flag of [WEB, APP]) await held.tangSeng!.updateToken(uid, "t", SLAVE, flag);
  const web = await held.server!.connect(uid, { token: "t", deviceFlag: WEB });
  await expectNext(1, WEB, 1, [1, 1]);
  const app = await held.server!.connect(uid, { token: "t", deviceFlag: APP });
  await expectNext(2, APP, 1, [1, 2]);
  web.close();
  await expectNext(3, WEB, 0, [0, 1]);
  app.close();
  await expectNext(4, APP, 0, [0, 0]);
});

test("what it refuses does not hold up the channel for ever, nor anything else", async () => {
  const tangSeng = held.tangSeng!;
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  // Without a type its push fails, and it answers 400.
  await tangSeng.send({ header: KEPT, from: a, to: person(b), payload: { content: "no type" } });
  await tangSeng.send({ header: KEPT, from: a, to: person(c), payload: text("elsewhere") });
  await eventually(() => pushed.some(({ to_uids }) => to_uids.includes(c)), "the other channel goes on");
  await tangSeng.send({ header: KEPT, from: a, to: person(b), payload: text("behind it") });
  await eventually(() => pushed.some(({ to_uids }) => to_uids.includes(b)), "the channel goes on", 60_000);
  expect(pushed.filter(({ to_uids }) => to_uids.includes(b)).map(contentOf)).toEqual([text("behind it")]);
});
