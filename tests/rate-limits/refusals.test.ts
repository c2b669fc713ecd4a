/** Who sends faster than he may is told so, loses nothing that was accepted, and gets through when he comes again later. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { parseExposition, valueIn } from "../harness/exposition.ts";
import { JsonClient } from "../harness/json-client.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import type { Answer, Outgoing, WireClient } from "../harness/wire-client.ts";

const ACCEPTED = 1;
const NOT_A_MEMBER = 3;
const TOO_FAST = 22;

function reasons(answers: readonly Answer[]): (number | string)[] {
  return answers.map((answer) => (answer.outcome === "answered" ? answer.reason : answer.outcome));
}

function numbered(count: number, to: string, type: number): (Outgoing & { readonly clientMsgNo: string })[] {
  return Array.from({ length: count }, (_, index) => ({
    to,
    type,
    payload: `${index}`,
    clientMsgNo: uniqueId(`c${index}`),
  }));
}

/** Sends what was refused again until nothing is; how often it was refused. */
async function sendAll(client: WireClient, list: readonly (Outgoing & { clientMsgNo: string })[]): Promise<number> {
  const left = new Map(list.map((each) => [each.clientMsgNo, each]));
  let refused = 0;
  await eventually(
    async () => {
      for (const answer of await client.burst([...left.values()])) {
        const [reason] = reasons([answer]);
        if (reason === ACCEPTED) left.delete(answer.clientMsgNo);
        else if (reason === TOO_FAST) refused++;
        else throw new Error(`answered with ${reason}`);
      }
      return left.size === 0;
    },
    "everything is accepted",
    60_000,
  );
  return refused;
}

async function metric(server: ServerProcess, name: string, ...labels: readonly string[]): Promise<number> {
  return valueIn(parseExposition((await server.http.get("/metrics")).text), name, ...labels);
}

test("a user beyond his rate is refused with 22, others are not, and a refusal leaves no trace", async () => {
  await using server = await ServerProcess.start({
    settings: { "rateLimit.uidPerSecond": 20, "rateLimit.uidBurst": 10 },
  });
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  using fast = await server.connect(a);
  using slow = await server.connect(b);
  const list = numbered(40, c, PERSON);
  const answers = reasons(await fast.burst(list));
  const accepted = answers.filter((reason) => reason === ACCEPTED).length;
  expect(accepted).toBeGreaterThanOrEqual(10);
  expect(answers.filter((reason) => reason === TOO_FAST)).toHaveLength(40 - accepted);
  expect(accepted, "40 at once are more than he may").toBeLessThan(40);
  expect(reasons(await slow.burst(numbered(5, c, PERSON)))).toEqual(Array(5).fill(ACCEPTED));
  expect(await metric(server, "wk_send_total", 'origin="client",reason="rate_limit"')).toBe(40 - accepted);
  expect(await metric(server, "wk_store_messages_total")).toBeGreaterThanOrEqual(accepted + 5);
  const before = await server.backEnd.history(c, a, PERSON);
  expect(before.map(({ message_seq }) => message_seq)).toEqual(before.map((_, index) => index + 1));
  expect(before).toHaveLength(accepted);
  // Under the same numbers: nothing of the refused ones was remembered, and what was accepted is not stored again.
  await sendAll(fast, list);
  const history = await server.backEnd.history(c, a, PERSON);
  expect(history.map(({ message_seq }) => message_seq)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(new Set(history.map(({ client_msg_no }) => client_msg_no))).toEqual(
    new Set(list.map(({ clientMsgNo }) => clientMsgNo)),
  );
});

test("a channel's rate is shared by all its senders, an outsider takes nothing of it, and HTTP gets 429", async () => {
  await using server = await ServerProcess.start({
    settings: { "rateLimit.channelPerSecond": 1, "rateLimit.channelBurst": 6 },
  });
  const [a, b, outsider] = [uniqueId("a"), uniqueId("b"), uniqueId("o")];
  const [group, other] = [uniqueId("g"), uniqueId("h")];
  await server.backEnd.createGroup(group, [a, b]);
  await server.backEnd.createGroup(other, [a, b]);
  using stranger = await server.connect(outsider);
  using alice = await server.connect(a);
  using bob = await server.connect(b);
  expect(new Set(reasons(await stranger.burst(numbered(20, group, GROUP))))).toEqual(new Set([NOT_A_MEMBER]));
  expect(reasons(await alice.burst(numbered(6, group, GROUP)))).toEqual(Array(6).fill(ACCEPTED));
  const send = (channelId: string) =>
    server.http.post("/message/send", {
      from_uid: b,
      channel_id: channelId,
      channel_type: GROUP,
      payload: Buffer.from("x").toString("base64"),
    });
  // A bucket that fills while we ask gives one more now and then.
  const refused = await eventually(async () => {
    const answer = await send(group);
    return answer.status === 429 ? answer : undefined;
  }, "HTTP is refused");
  expect(refused.body).toEqual({ msg: "too many messages, try again later", status: 429 });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  expect(reasons(await bob.burst(numbered(10, group, GROUP)))).toContain(TOO_FAST);
  expect((await send(other)).status, "another channel").toBe(200);
  expect((await bob.sendOk({ to: a, type: PERSON, payload: "x" })).reason).toBe(ACCEPTED);
});

test("clients of one address share its rate, and JSON-RPC is told when to come again", async () => {
  await using server = await ServerProcess.start({
    settings: { "rateLimit.ipPerSecond": 1, "rateLimit.ipBurst": 4 },
  });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await server.connect(a);
  using bob = await JsonClient.connect({ port: server.wsPort, uid: b });
  expect(reasons(await alice.burst(numbered(12, b, PERSON)))).toContain(TOO_FAST);
  const answer = await eventually(async () => {
    const { result } = (await bob.send(a, PERSON, "x")) ?? {};
    return result?.["reasonCode"] === TOO_FAST ? result : undefined;
  }, "the JSON client is refused");
  expect(answer).toMatchObject({ messageSeq: 0, retryAfterMs: expect.any(Number) });
  expect(answer["retryAfterMs"]).toBeGreaterThan(0);
  expect(await metric(server, "wk_sendack_total", 'reason="rate_limit"')).toBeGreaterThan(0);
  expect(await metric(server, "wk_send_total", 'reason="rate_limit"'), "messaging never saw them").toBe(0);
});

test("HTTP beyond the rate of an address gets 429 with Retry-After, probes and metrics do not", async () => {
  await using server = await ServerProcess.start({
    settings: { "rateLimit.httpPerSecond": 50, "rateLimit.httpBurst": 50 },
  });
  const refused = await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => server.http.get("/route?uid=a")));
    return answers.find(({ status }) => status === 429);
  }, "one of very many is refused");
  expect(refused.body).toEqual({ msg: "too many requests from this address, try again later", status: 429 });
  expect(refused.headers["retry-after"]).toBe("1");
  for (const path of ["/health", "/healthz", "/readyz", "/metrics"])
    expect((await server.http.get(path)).status, path).toBe(200);
  await eventually(async () => (await server.http.get("/route?uid=a")).status === 200, "later it passes");
});

test("more HTTP requests at once than there is room for get 503 with Retry-After", async () => {
  await using server = await ServerProcess.start({ settings: { "limits.httpRequestsMax": 2 } });
  const refused = await eventually(async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        server.http.post("/message/send", {
          from_uid: "a",
          channel_id: "b",
          channel_type: PERSON,
          payload: Buffer.from("x").toString("base64"),
        }),
      ),
    );
    expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true);
    return answers.find(({ status }) => status === 503);
  }, "one of fifty at once is refused");
  expect(refused.body).toEqual({ msg: "too many requests are under way, try again", status: 503 });
  expect(refused.headers["retry-after"]).toBe("1");
  await server.backEnd.send({ from: "a", to: "b", type: PERSON, text: "later" });
});
