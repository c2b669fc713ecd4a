/** A message is stored once however often it is sent. */
import { expect, test } from "vitest";
import { GROUP, PERSON, texts } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { Answer } from "../harness/wire-client.ts";

const IDEMPOTENCY_CONFLICT = 28;
const NOT_A_MEMBER = 3;
const shared = sharedServer();

/** The one id and seq that all these answers give. */
function theOne(answers: readonly Answer[]): { readonly id: bigint; readonly seq: number } {
  const shown = answers.map((answer) =>
    answer.outcome === "answered" ? `${answer.reason} ${answer.messageId} ${answer.messageSeq}` : answer.outcome,
  );
  expect(new Set(shown).size, shown.join(", ")).toBe(1);
  const first = answers[0]!;
  if (first.outcome !== "answered" || first.reason !== 1) throw new Error(`not accepted: ${shown[0]}`);
  return { id: first.messageId, seq: first.messageSeq };
}

test("R-26, H-60: ten retries without the answers being read store one message with ten equal answers", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await server.connect(a);
  using reader = await server.connect(b);
  const copy = { to: b, type: PERSON, payload: "once", clientMsgNo: uniqueId("no") };
  const one = theOne(await client.burst(Array.from({ length: 10 }, () => copy)));
  await client.sendOk({ to: b, type: PERSON, payload: "next" });
  const received = await reader.takeSome(2);
  expect(texts(received)).toEqual(["once", "next"]);
  expect(received[0]).toMatchObject({ messageId: one.id, messageSeq: 1 });
  expect(await server.backEnd.chatOf(b, a)).toMatchObject({ unread: 2, last_msg_seq: 2 });
});

test("R-26: a retry after a reconnect and after a restart gets the first answer", async () => {
  await using server = await ServerProcess.start();
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const copy = { to: b, type: PERSON, payload: "once", clientMsgNo: uniqueId("no") };
  const answers: Answer[] = [];
  const sendAgain = async (): Promise<void> => {
    using client = await server.connect(a); // each connection encrypts with its own key
    answers.push(await client.send(copy));
  };
  await sendAgain();
  await sendAgain();
  await server.restart("SIGTERM");
  await sendAgain();
  await server.restart("SIGKILL");
  await sendAgain();
  const one = theOne(answers);
  const history = await server.backEnd.history(b, a, PERSON);
  expect(history.map((message) => [message.message_idstr, message.message_seq])).toEqual([[String(one.id), 1]]);
});

test("R-26: the same over HTTP", async () => {
  const server = shared.current;
  const { backEnd, http } = server;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const clientMsgNo = uniqueId("no");
  const send = (text: string): ReturnType<typeof backEnd.send> =>
    backEnd.send({ from: a, to: b, type: PERSON, text, clientMsgNo });
  const results = await Promise.all(Array.from({ length: 10 }, () => send("once")));
  expect(new Set(results.map((result) => `${result.message_id} ${result.message_seq}`)).size).toBe(1);
  using client = await server.connect(a);
  const overWire = theOne([await client.send({ to: b, type: PERSON, payload: "once", clientMsgNo })]);
  expect(overWire.id).toBe(BigInt(results[0]!.message_id));
  const other = await http.post("/message/send", {
    from_uid: a,
    channel_id: b,
    channel_type: PERSON,
    client_msg_no: clientMsgNo,
    payload: "eA==",
  });
  expect(other).toMatchObject({ status: 400, body: { status: 400 } });
  expect(await backEnd.history(b, a, PERSON)).toHaveLength(1);
});

test("INV-3: 100 copies over 10 connections at once are one message with 100 equal answers", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const clients = await Promise.all(
    Array.from({ length: 10 }, (_item, n) => server.connect(a, { transport: n % 2 ? "tcp" : "websocket" })),
  );
  using reader = await server.connect(b);
  const copy = { to: b, type: PERSON, payload: "once", clientMsgNo: uniqueId("no") };
  const copies = Array.from({ length: 10 }, () => copy);
  const answers = await Promise.all(clients.map((client) => client.burst(copies)));
  theOne(answers.flat());
  await clients[0]!.sendOk({ to: b, type: PERSON, payload: "last" });
  expect(texts(await reader.takeSome(2))).toEqual(["once", "last"]);
  // The sender's other devices see it once as well: all ten hold one copy at most, nine hold exactly one.
  await Promise.all(
    clients
      .slice(1)
      .map((client) =>
        client.until(() => client.received.some((message) => message.payload.toString() === "last"), 5_000),
      ),
  );
  const echoes = clients.map((client) => texts(client.take()).filter((text) => text === "once").length);
  expect(echoes.filter((count) => count === 1)).toHaveLength(9);
  expect(echoes.filter((count) => count === 0)).toHaveLength(1);
  for (const client of clients) client.close();
  expect(await server.backEnd.history(b, a, PERSON)).toHaveLength(2);
});

test("INV-3: another payload under the same number is refused with reason 28 and nothing is stored", async () => {
  const server = shared.current;
  const [a, b, c] = [uniqueId("a"), uniqueId("b"), uniqueId("c")];
  const clientMsgNo = uniqueId("no");
  using client = await server.connect(a);
  const first = await client.sendOk({ to: b, type: PERSON, payload: "one", clientMsgNo });
  expect(await client.send({ to: b, type: PERSON, payload: "two", clientMsgNo })).toMatchObject({
    reason: IDEMPOTENCY_CONFLICT,
    messageSeq: 0,
  });
  expect(await client.send({ to: b, type: PERSON, payload: "one", clientMsgNo })).toMatchObject({
    reason: 1,
    messageId: first.messageId,
  });
  // The number belongs to sender and channel.
  await client.sendOk({ to: c, type: PERSON, payload: "two", clientMsgNo });
  using other = await server.connect(b);
  await other.sendOk({ to: a, type: PERSON, payload: "two", clientMsgNo });
  expect(texts(await server.backEnd.history(b, a, PERSON))).toEqual(["one", "two"]);
});

test("INV-3: messages with an empty number are never taken for copies", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await server.connect(a);
  const same = { to: b, type: PERSON, payload: "same", clientMsgNo: "" };
  const answers = await client.burst([same, same, same]);
  expect(answers.map((answer) => answer.outcome === "answered" && answer.messageSeq)).toEqual([1, 2, 3]);
  expect(texts(await server.backEnd.history(b, a, PERSON))).toEqual(["same", "same", "same"]);
});

test("INV-3: a removed member's retry still gets his first answer", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  using client = await server.connect(a);
  const copy = { to: group, type: GROUP, payload: "once", clientMsgNo: uniqueId("no") };
  const first = await client.sendOk(copy);
  await server.backEnd.removeMembers(group, [a]);
  expect(await client.send({ to: group, type: GROUP, payload: "another" })).toMatchObject({ reason: NOT_A_MEMBER });
  expect(await client.send(copy)).toMatchObject({
    reason: 1,
    messageId: first.messageId,
    messageSeq: first.messageSeq,
  });
  expect(await server.backEnd.history(b, group, GROUP)).toHaveLength(1);
});

test("INV-3: a NoPersist or refused message leaves its number free", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [b]);
  using client = await server.connect(a);
  const message = { to: group, type: GROUP, payload: "once", clientMsgNo: uniqueId("no") };
  expect(await client.send(message)).toMatchObject({ reason: NOT_A_MEMBER });
  await server.backEnd.addMembers(group, [a]);
  expect(await client.send({ ...message, flags: 1, payload: "typing" })).toMatchObject({ reason: 1, messageSeq: 0 });
  expect(await client.sendOk(message)).toMatchObject({ messageSeq: 1 });
});
