/** What the receiver of webhooks gets, what it may answer, and what the server makes of that. */
import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { type Exposition, parseExposition, valueIn } from "../harness/exposition.ts";
import { GrpcReceiver } from "../harness/grpc-receiver.ts";
import { runProgram, ServerProcess, type Settings } from "../harness/server-process.ts";
import { delay, eventually, staysQuiet, uniqueId } from "../harness/waiting.ts";
import { type Delivery, WebhookReceiver } from "../harness/webhook-receiver.ts";
import { webhookState } from "./webhook-state.ts";

/** The other events have tests of their own. */
const FAST: Settings = {
  "webhook.focusEvents": "msg.notify",
  "webhook.msgNotifyEventPushInterval": "20ms",
  "webhook.retryIntervalMax": "200ms",
};

function start(settings: Settings): Promise<ServerProcess> {
  return ServerProcess.start({ settings: { ...FAST, ...settings } });
}

/** Stores one message in a group of its own; gives the text by which its event is known. */
async function sendOne(server: ServerProcess, text = uniqueId("text")): Promise<string> {
  const from = uniqueId("from");
  const to = uniqueId("group");
  await server.backEnd.createGroup(to, [from]);
  await server.backEnd.send({ from, to, type: GROUP, text, clientMsgNo: text });
  return text;
}

function told(receiver: WebhookReceiver, text: string): Delivery | undefined {
  return receiver.taken.find(({ body }) => body.includes(text));
}

function toldOf(receiver: WebhookReceiver, text: string, withinMs?: number): Promise<Delivery> {
  return eventually(() => told(receiver, text), `${text} is told of`, withinMs);
}

test("a signed event can be checked with the secret, and the query of the address stays", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start({
    "webhook.httpAddr": `${receiver.url}?key=a%20b`,
    "webhook.secret": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0",
  });
  const { url, headers, body } = await toldOf(receiver, await sendOne(server));
  expect(url).toBe("/hook?key=a%20b&event=msg.notify");
  expect(headers["content-type"]).toBe("application/json");
  const id = String(headers["webhook-id"]);
  const timestamp = String(headers["webhook-timestamp"]);
  expect(id).toMatch(/^notify_[0-9a-f]{32}$/);
  expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
  const expected = createHmac("sha256", "secret of the test").update(`${id}.${timestamp}.${body}`).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
});

test("the secret is in nothing that the server prints", async () => {
  await using receiver = await WebhookReceiver.start();
  receiver.react = () => 500;
  await using server = await start({
    "webhook.httpAddr": `${receiver.url}?key=hidden-query`,
    "webhook.secret": "hidden-secret",
    mode: "debug",
  });
  await sendOne(server);
  await eventually(() => server.output.includes("does not take events"), "the log says that the receiver is down");
  expect(server.output).not.toContain("hidden");
  expect(JSON.stringify(await webhookState(server))).not.toContain("hidden");
});

test("R-31: while the receiver fails, events are tried at a bounded rate with one id, and arrive when it is back", async () => {
  await using receiver = await WebhookReceiver.start();
  const broken = [500, 503, 429, "cut"] as const;
  let tries = 0;
  receiver.react = (_delivery, answer) => {
    const how = broken[tries++ % broken.length]!;
    if (how !== "cut") return how;
    answer.socket?.destroy();
    return "handled";
  };
  await using server = await start({ "webhook.httpAddr": receiver.url });
  const texts = await Promise.all(Array.from({ length: 20 }, () => sendOne(server)));
  await eventually(() => receiver.seen.length >= 20, "it is tried again and again");
  const before = receiver.seen.length;
  await delay(1_000);
  // At most one each 100 ms.
  expect(receiver.seen.length - before).toBeLessThan(15);
  const [state] = (await webhookState(server)).receivers;
  expect(state).toMatchObject({ name: "webhook", is_down: true, laid_aside: 0 });
  receiver.react = () => 200;
  for (const text of texts) await toldOf(receiver, text);
  const idsOf = new Map<string, Set<unknown>>();
  for (const { body, headers } of receiver.seen)
    idsOf.set(body, (idsOf.get(body) ?? new Set()).add(headers["webhook-id"]));
  expect([...idsOf.values()].map(({ size }) => size)).toEqual([...idsOf.keys()].map(() => 1));
  await eventually(async () => (await webhookState(server)).followers[0]?.lag_messages === 0, "nothing waits");
  expect((await webhookState(server)).receivers[0]).toMatchObject({ is_down: false, reason: "", laid_aside: 0 });
});

test("the metrics tell how far a follower lags, that its receiver is down, and what was taken", async () => {
  await using receiver = await WebhookReceiver.start();
  receiver.react = () => 503;
  await using server = await start({ "webhook.httpAddr": receiver.url });
  const scrape = async (): Promise<Exposition> => parseExposition((await server.http.get("/metrics")).text);
  const text = await sendOne(server);
  await eventually(async () => valueIn(await scrape(), "wk_webhook_receiver_up") === 0, "the receiver is down");
  const before = await scrape();
  expect(valueIn(before, "wk_webhook_lag_messages", 'follower="webhook.notify"')).toBeGreaterThan(0);
  expect(valueIn(before, "wk_webhook_calls_total", 'outcome="taken"')).toBe(0);
  receiver.react = () => 200;
  await toldOf(receiver, text);
  await eventually(async () => valueIn(await scrape(), "wk_webhook_lag_messages") === 0, "nothing waits");
  const after = await scrape();
  expect(valueIn(after, "wk_webhook_receiver_up")).toBe(1);
  expect(valueIn(after, "wk_webhook_calls_total", 'outcome="taken"')).toBe(receiver.taken.length);
});

test("a slow receiver gets a bounded number of requests at once, and everything", async () => {
  await using receiver = await WebhookReceiver.start();
  let atOnce = 0;
  let most = 0;
  receiver.react = async () => {
    most = Math.max(most, ++atOnce);
    await delay(100);
    atOnce--;
    return 200;
  };
  await using server = await start({
    "webhook.httpAddr": receiver.url,
    "webhook.msgNotifyEventCountPerPush": 1,
    "limits.webhookRequestsMax": 3,
  });
  const texts = await Promise.all(Array.from({ length: 40 }, () => sendOne(server)));
  for (const text of texts) await toldOf(receiver, text);
  expect(most).toBe(3);
});

test("what the receiver refuses becomes a dead letter that can be read, sent again and thrown away", async () => {
  await using receiver = await WebhookReceiver.start();
  let isStrict = true;
  receiver.react = ({ body }) => (isStrict && body.includes("poison") ? 422 : 200);
  await using server = await start({
    "webhook.httpAddr": receiver.url,
    "webhook.msgNotifyEventCountPerPush": 1,
    "webhook.msgNotifyEventRetryMaxCount": 3,
  });
  const first = await sendOne(server, uniqueId("poison"));
  const second = await sendOne(server, uniqueId("poison"));
  const good = await sendOne(server);
  await toldOf(receiver, good);
  await eventually(async () => (await webhookState(server)).dead_letters.count === 2, "both are laid aside");
  expect(receiver.seen.filter(({ body }) => body.includes(first))).toHaveLength(3);

  // They are still there after a crash. What was told shortly before it comes again, and must be refused again first.
  await server.restart("SIGKILL");
  await eventually(async () => {
    const [notify] = (await webhookState(server)).followers;
    return notify?.lag_messages === 0 && !notify.is_counting;
  }, "nothing waits");
  const list = await server.http.get("/webhooks/dead-letters");
  const letters = (list.body as unknown as { dead_letters: { id: string; reason: string; message_ids: string[] }[] })
    .dead_letters;
  expect(letters).toMatchObject([
    { receiver: "webhook", event: "msg.notify", reason: "HTTP 422", tries: 3 },
    { receiver: "webhook", event: "msg.notify", reason: "HTTP 422", tries: 3 },
  ]);
  const shown = await Promise.all(letters.map(({ id }) => server.http.get(`/webhooks/dead-letters/${id}`)));
  const indexOfFirst = shown.findIndex(({ text }) => text.includes(first));
  expect(shown[indexOfFirst]!.text).toContain(letters[indexOfFirst]!.message_ids[0]);

  const ids = letters.map(({ id }) => id);
  expect((await server.http.post("/webhooks/dead-letters/retry", { ids })).body).toMatchObject({
    delivered: 0,
    failed: 2,
    reason: "HTTP 422",
  });
  isStrict = false;
  const retry = await server.http.post("/webhooks/dead-letters/retry", { ids: [ids[indexOfFirst]] });
  expect(retry.body).toMatchObject({ delivered: 1, failed: 0 });
  expect(told(receiver, first)).toBeDefined();
  const rest = ids.filter((id) => id !== ids[indexOfFirst]);
  expect((await server.http.post("/webhooks/dead-letters/discard", { ids: rest })).status).toBe(200);
  expect((await webhookState(server)).dead_letters).toEqual({ count: 0, bytes: 0 });
  expect(told(receiver, second)).toBeUndefined();
  expect((await server.http.get(`/webhooks/dead-letters/${ids[0]}`)).status).toBe(404);
  await server.restart("SIGTERM");
  expect((await webhookState(server)).dead_letters).toEqual({ count: 0, bytes: 0 });
});

test("when there is no room for dead letters, nothing is lost: it waits until it is taken", async () => {
  await using receiver = await WebhookReceiver.start();
  let isStrict = true;
  receiver.react = ({ body }) => (isStrict && body.includes("poison") ? 400 : 200);
  await using server = await start({
    "webhook.httpAddr": receiver.url,
    "webhook.msgNotifyEventCountPerPush": 1,
    "webhook.msgNotifyEventRetryMaxCount": 1,
    "limits.webhookDeadLettersMax": 1,
  });
  const poisons = await Promise.all([1, 2, 3].map(() => sendOne(server, uniqueId("poison"))));
  await eventually(() => server.output.includes("cannot be laid aside"), "the log says that there is no room");
  expect((await webhookState(server)).dead_letters.count).toBe(1);
  isStrict = false;
  await eventually(
    () => poisons.filter((text) => told(receiver, text) !== undefined).length === 2,
    "the others arrive",
  );
});

test("a server that was stopped in good order tells of nothing twice, and of what came while its receiver was down", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start({ "webhook.httpAddr": receiver.url });
  const before = await sendOne(server);
  await toldOf(receiver, before);
  await server.restart("SIGTERM");
  await receiver.close();
  const meanwhile = await sendOne(server);
  await server.restart("SIGTERM");
  await receiver.open();
  await toldOf(receiver, meanwhile);
  expect(receiver.taken.filter(({ body }) => body.includes(before))).toHaveLength(1);
  expect(receiver.taken.filter(({ body }) => body.includes(meanwhile))).toHaveLength(1);
});

test("a receiver that never answers does not keep the server from stopping, and gets the event again", async () => {
  await using receiver = await WebhookReceiver.start();
  receiver.react = () => "handled";
  await using server = await start({ "webhook.httpAddr": receiver.url });
  const text = await sendOne(server);
  await eventually(() => receiver.seen.some(({ body }) => body.includes(text)), "it is asked");
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  receiver.react = () => 200;
  await server.startAgain();
  await toldOf(receiver, text);
});

test("the first start with webhooks tells of nothing older; a pause in between is caught up with", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start({});
  const old = await sendOne(server);
  await server.restart("SIGTERM", { ...FAST, "webhook.httpAddr": receiver.url });
  await toldOf(receiver, await sendOne(server));
  await server.restart("SIGTERM", FAST);
  const silent = await sendOne(server);
  await server.restart("SIGTERM", { ...FAST, "webhook.httpAddr": receiver.url });
  await toldOf(receiver, silent);
  expect(told(receiver, old)).toBeUndefined();
});

test("messages are told of again from a time or a message on, by route and by command", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start({ "webhook.httpAddr": receiver.url, managerToken: "of-the-manager" });
  const older = await sendOne(server);
  await toldOf(receiver, older);
  await delay(1_100);
  const fromSeconds = Math.floor(Date.now() / 1000);
  await delay(1_100);
  const newer = await sendOne(server);
  const { body } = await toldOf(receiver, newer);
  const id = /"message_idstr":"(\d+)"/.exec(body)![1]!;
  const again = (): number => receiver.taken.filter((each) => each.body.includes(newer)).length;

  expect((await server.http.post("/webhooks/replay", { from_time: fromSeconds })).status).toBe(200);
  await eventually(() => again() === 2, "it is told of again");
  expect(
    (await server.http.post("/webhooks/replay", { follower: "webhook.notify", from_message_id: BigInt(id) })).status,
  ).toBe(200);
  await eventually(() => again() === 3, "it is told of a third time");
  const replay = (...words: string[]) => runProgram(["webhook", "replay", "--config", server.configPath, ...words]);
  expect(await replay("--from-message", id)).toEqual({ code: 0, out: "the events are being sent again\n", error: "" });
  await eventually(() => again() === 4, "it is told of a fourth time");
  const time = new Date(fromSeconds * 1000).toISOString();
  expect((await replay("--from-time", time)).code).toBe(0);
  await eventually(() => again() === 5, "it is told of a fifth time");
  expect(receiver.taken.filter((each) => each.body.includes(older))).toHaveLength(1);

  expect((await server.http.post("/webhooks/replay", {})).status).toBe(400);
  expect((await server.http.post("/webhooks/replay", { from_time: 1, from_message_id: 1 })).status).toBe(400);
  expect((await server.http.post("/webhooks/replay", { follower: "nobody", from_time: 1 })).status).toBe(404);
  expect((await replay()).code).toBe(1);
});

test("focusEvents keeps all other events away", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start({ "webhook.httpAddr": receiver.url, "webhook.focusEvents": "user.onlinestatus" });
  await sendOne(server);
  expect(await staysQuiet(() => receiver.seen.some(({ event }) => event === "msg.notify"))).toBe(true);
  await server.restart("SIGTERM", { ...FAST, "webhook.httpAddr": receiver.url, "webhook.focusEvents": "msg.notify" });
  await toldOf(receiver, await sendOne(server));
});

test("messages of agent channels go to the agent's receiver alone, and none is lost when it is set", async () => {
  await using receiver = await WebhookReceiver.start();
  await using agent = await WebhookReceiver.start();
  const sendToAgent = async (server: ServerProcess): Promise<string> => {
    const text = uniqueId("agent-text");
    const user = uniqueId("user");
    await server.backEnd.send({ from: user, to: `${user}@bot`, type: 11, text, clientMsgNo: text });
    return text;
  };
  await using server = await start({ "webhook.httpAddr": receiver.url });
  await toldOf(receiver, await sendToAgent(server));
  await receiver.close();
  const waiting = await sendToAgent(server);
  await server.restart("SIGTERM", {
    ...FAST,
    "webhook.httpAddr": receiver.url,
    "agent.webhook.httpAddr": agent.url,
  });
  const toAgent = await sendToAgent(server);
  const toGroup = await sendOne(server);
  await receiver.open();
  await toldOf(agent, toAgent);
  await toldOf(agent, waiting);
  await toldOf(receiver, toGroup);
  expect(told(agent, toGroup)).toBeUndefined();
  expect([told(receiver, toAgent), told(receiver, waiting)]).toEqual([undefined, undefined]);
  expect((await webhookState(server)).followers.map(({ name }) => name)).toEqual([
    "webhook.notify.agent",
    "webhook.notify",
  ]);
});

test("a receiver by gRPC gets the same bodies and headers, and its Error is tried again", async () => {
  await using receiver = await WebhookReceiver.start();
  await using grpc = await GrpcReceiver.start();
  await using server = await start({
    "webhook.grpcAddr": grpc.address,
    "webhook.httpAddr": receiver.url,
    "webhook.secret": "s",
  });
  const toldByGrpc = (text: string) => grpc.taken.find(({ body }) => body.includes(text));
  const text = await sendOne(server);
  const { event, headers, body } = await eventually(() => toldByGrpc(text), "it is told of by gRPC");
  expect(event).toBe("msg.notify");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", "s").update(signed).digest("base64")}`);
  grpc.isSuccessful = false;
  const later = await sendOne(server);
  await eventually(async () => (await webhookState(server)).receivers[0]?.is_down, "it does not take events");
  grpc.isSuccessful = true;
  await eventually(() => toldByGrpc(later), "the later one is told of too");
  expect(receiver.seen).toEqual([]);
});

test("many messages go together, no more than configured, and long ones too", async () => {
  await using receiver = await WebhookReceiver.start();
  await using server = await start({
    "webhook.httpAddr": receiver.url,
    "webhook.msgNotifyEventPushInterval": "300ms",
    "webhook.msgNotifyEventCountPerPush": 30,
  });
  const uid = uniqueId("sender");
  using client = await server.connect(uid);
  const to = uniqueId("peer");
  const outgoing = Array.from({ length: 200 }, (_, index) => ({
    to,
    type: PERSON,
    payload: index % 50 === 0 ? "x".repeat(500_000) : `text ${index}`,
    clientMsgNo: `${to}-${index}`,
  }));
  for (const answer of await client.burst(outgoing)) expect(answer).toMatchObject({ outcome: "answered", reason: 1 });
  const numbers = (): string[] =>
    receiver
      .notified()
      .filter(({ channel_id }) => channel_id === to)
      .map(({ client_msg_no }) => client_msg_no);
  await eventually(() => numbers().length >= 200, "all are told of");
  expect(numbers()).toEqual(outgoing.map(({ clientMsgNo }) => clientMsgNo));
  const sizes = receiver.taken.map((delivery) => receiver.entriesOf(delivery).length);
  expect(Math.max(...sizes)).toBe(30);
  expect(sizes.length).toBeLessThan(30);
});

test("events that are late bring one warning, and one line when they no longer are", async () => {
  await using receiver = await WebhookReceiver.start();
  receiver.react = () => 503;
  await using server = await start({ "webhook.httpAddr": receiver.url, "webhook.lagAlarm": "1s" });
  const text = await sendOne(server);
  const lines = (part: string): number => server.output.split("\n").filter((line) => line.includes(part)).length;
  await eventually(() => lines('"webhook events are late"') === 1, "the log warns");
  const [follower] = (await webhookState(server)).followers;
  expect(follower?.oldest_age_ms).toBeGreaterThan(1_000);
  await delay(1_000);
  expect(lines('"webhook events are late"')).toBe(1);
  receiver.react = () => 200;
  await toldOf(receiver, text);
  await eventually(() => lines('"webhook events are no longer late"') === 1, "the log says that it is over");
});
