/** examples/back-end: the real program, told by signed webhooks, with the published SDK as its users. */
import { createHmac, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { HttpClient } from "../harness/http-client.ts";
import { claimPorts, releasePort } from "../harness/ports.ts";
import { Program } from "../harness/program.ts";
import { SdkClient, SdkStatus } from "../harness/sdk-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/back-end/", import.meta.url));
const MANAGER_TOKEN = "for back ends only";
const SECRET = `whsec_${randomBytes(24).toString("base64")}`;
const TOWN = "town";
const BOT = "bot";

interface Login {
  readonly uid: string;
  readonly token: string;
  readonly address: string;
  readonly group: string;
}

const held: { server?: ServerProcess; example?: Program; http?: HttpClient; port?: number } = {};

beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
  const [port] = await claimPorts(1);
  held.port = port!;
  held.server = await ServerProcess.start({
    settings: {
      tokenAuthOn: true,
      managerToken: MANAGER_TOKEN,
      "webhook.httpAddr": `http://127.0.0.1:${port}/webhook`,
      "webhook.secret": SECRET,
    },
  });
  held.example = startExample(held.server, port!);
  await held.example.printed(`listens on port ${port}`);
  held.http = new HttpClient(port!);
});
afterAll(async () => {
  vi.restoreAllMocks();
  held.http?.dropConnections();
  await held.example?.[Symbol.asyncDispose]();
  await held.server?.dispose();
  releasePort(held.port!);
});

function startExample(server: ServerProcess, port: number): Program {
  return new Program([process.execPath, "main.js"], {
    directory: EXAMPLE,
    environment: {
      PORT: String(port),
      API_URL: `http://127.0.0.1:${server.httpPort}`,
      MANAGER_TOKEN,
      WEBHOOK_SECRET: SECRET,
    },
  });
}

interface Person {
  readonly uid: string;
  readonly isOnline: boolean;
  readonly missed: readonly string[];
}

function logIn(uid: string): Promise<Login> {
  return held.http!.ask<Login>("/login", { uid });
}

function connect({ uid, token, address }: Login): Promise<SdkClient> {
  return SdkClient.connect({ uid, token, wsPort: Number(new URL(address).port) });
}

/** As the back end knows him. */
async function personOf(uid: string): Promise<Person | undefined> {
  const people = (await held.http!.get("/people")).body as unknown as readonly Person[]; // its only answer
  return people.find((person) => person.uid === uid);
}

interface Delivery {
  readonly event: string;
  readonly body: unknown;
  readonly id?: string;
  readonly seconds?: number;
  readonly secret?: string;
}

/** As the server delivers an event. */
async function deliver(delivery: Delivery): Promise<number> {
  const { event, secret = SECRET, id = uniqueId("evt") } = delivery;
  const body = JSON.stringify(delivery.body);
  const seconds = String(delivery.seconds ?? Math.floor(Date.now() / 1_000));
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  const answer = await held.http!.call({
    method: "POST",
    path: `/webhook?event=${event}`,
    headers: { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,AAAA v1,${signature}` },
    body,
  });
  return answer.status;
}

function messageOf(from: string, to: string, type: number, text: string): object {
  return {
    header: { no_persist: 0, red_dot: 1, sync_once: 0 },
    message_idstr: uniqueId("id"),
    from_uid: from,
    channel_id: to,
    channel_type: type,
    payload: Buffer.from(JSON.stringify({ type: 1, content: text })).toString("base64"),
  };
}

/** What the chats hold, as their readers see it. */
async function said(loginUid: string, channel: string, type: number): Promise<string[]> {
  const messages = await held.server!.backEnd.history(loginUid, channel, type);
  return texts(messages).map((text) => (JSON.parse(text) as { readonly content: string }).content);
}

describe("examples/back-end, told by the server", () => {
  test("who says hello to the bot or in the group is greeted once; who is online and who missed something is known", async () => {
    const [a, b] = [uniqueId("alice"), uniqueId("bob")];
    using alice = await connect(await logIn(a));
    using bob = await connect(await logIn(b));
    await alice.sendText(TOWN, GROUP, "hello everybody");
    expect(await bob.receive(2)).toMatchObject([
      { fromUid: a, channelId: TOWN, text: "hello everybody" },
      { fromUid: BOT, channelId: TOWN, text: `Hello ${a}!` },
    ]);
    await alice.sendText(BOT, PERSON, "hello");
    expect(await alice.receive(2)).toMatchObject([
      { fromUid: BOT, channelId: TOWN },
      { fromUid: BOT, channelId: BOT, text: `Hello ${a}!` },
    ]);
    for (const uid of [a, b]) await eventually(async () => (await personOf(uid))?.isOnline, `${uid} is online`);
    bob.disconnect();
    await eventually(async () => (await personOf(b))?.isOnline === false, "bob is away");
    await alice.sendText(b, PERSON, "where are you?");
    await eventually(async () => (await personOf(b))?.missed.length, "bob missed something");
    expect(await personOf(b)).toEqual({ uid: b, isOnline: false, missed: ["where are you?"] });
    expect(await personOf(a)).toEqual({ uid: a, isOnline: true, missed: [] });
  });
});

describe("examples/back-end, told by the test", () => {
  test("a login gives token, address and group; a second one ends the session of the first", async () => {
    const uid = uniqueId("alice");
    const login = await logIn(uid);
    expect(login).toEqual({
      uid,
      token: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      address: `ws://127.0.0.1:${held.server!.wsPort}`,
      group: TOWN,
    });
    using client = await connect(login);
    const again = await logIn(uid);
    expect(again.token).not.toBe(login.token);
    await eventually(() => client.status === SdkStatus.connectKick, "the first session ends");
    using second = await connect(again);
    expect(second.status).toBe(SdkStatus.connected);
    for (const wrong of [{ uid: "a b" }, { uid: 1 }, {}, "text", null])
      expect((await held.http!.post("/login", wrong)).status).toBe(400);
  });

  test("an event that is not signed, signed with another secret, or old is refused and does nothing", async () => {
    const uid = uniqueId("u");
    const body = [messageOf(uid, BOT, PERSON, "hello")];
    const path = "/webhook?event=msg.notify";
    expect((await held.http!.call({ method: "POST", path, body: JSON.stringify(body) })).status).toBe(401);
    const stranger = `whsec_${Buffer.alloc(24).toString("base64")}`;
    expect(await deliver({ event: "msg.notify", body, secret: stranger })).toBe(401);
    const seconds = Math.floor(Date.now() / 1_000) - 3_600;
    expect(await deliver({ event: "msg.notify", body, seconds })).toBe(401);
    expect(await said(uid, BOT, PERSON)).toEqual([]);
  });

  test("an event that comes again is confirmed and not handled again, nor is it after a restart of the back end", async () => {
    const uid = uniqueId("u");
    const event = { event: "msg.notify", id: uniqueId("evt"), body: [messageOf(uid, BOT, PERSON, "hello")] };
    expect(await Promise.all([deliver(event), deliver(event)])).toEqual([200, 200]);
    expect(await deliver(event)).toBe(200);
    expect(await said(uid, BOT, PERSON)).toEqual([`Hello ${uid}!`]);
    await held.example![Symbol.asyncDispose]();
    held.http!.dropConnections();
    held.example = startExample(held.server!, held.port!);
    await held.example.printed("listens on port");
    expect(await deliver(event)).toBe(200);
    expect(await said(uid, BOT, PERSON)).toEqual([`Hello ${uid}!`]);
  });

  test("the bot answers where it was greeted, and neither itself, nor commands, nor other people's chats, nor what it cannot read", async () => {
    const [a, b] = [uniqueId("a"), uniqueId("b")];
    const others = [
      messageOf(BOT, TOWN, GROUP, "hello"),
      messageOf("", TOWN, GROUP, "hello"),
      messageOf(a, b, PERSON, "hello"),
      messageOf(a, BOT, PERSON, "good morning"),
      { ...messageOf(a, BOT, PERSON, "hello"), header: { no_persist: 0, red_dot: 0, sync_once: 1 } },
      { ...messageOf(a, BOT, PERSON, ""), payload: "AAEC" },
    ];
    // An answer that the chat server will never take does not hold up the one behind it.
    const poison = messageOf("a@b", BOT, PERSON, "hello");
    const body = [...others, poison, messageOf(a, BOT, PERSON, "Hello bot")];
    expect(await deliver({ event: "msg.notify", body })).toBe(200);
    expect(await said(a, BOT, PERSON)).toEqual([`Hello ${a}!`]);
    expect(await said(a, b, PERSON)).toEqual([]);
  });

  test("what many people missed is told with their uids packed", async () => {
    const uid = uniqueId("u");
    await logIn(uid);
    const packed = gzipSync(JSON.stringify(["nobody", uid])).toString("base64");
    const body = { ...messageOf("a", TOWN, GROUP, "news"), compress: "gzip", compress_to_uids: packed };
    expect(await deliver({ event: "msg.offline", body })).toBe(200);
    expect(await personOf(uid)).toMatchObject({ missed: ["news"] });
    expect(await deliver({ event: "not.known", body: {} })).toBe(200);
  });

  test("an event that cannot be handled is not confirmed, and is handled when it comes again", async () => {
    const uid = uniqueId("u");
    const event = { event: "msg.notify", id: uniqueId("evt"), body: [messageOf(uid, BOT, PERSON, "hello")] };
    await held.server!.stop();
    expect(await deliver(event)).toBe(503);
    await held.server!.startAgain();
    expect(await deliver(event)).toBe(200);
    expect(await said(uid, BOT, PERSON)).toEqual([`Hello ${uid}!`]);
  });
});
