/** A message that was pushed: what each of the user's sessions made of it. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { stringifyJson } from "../harness/exact-json.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { NO_PERSIST } from "../harness/wire-client.ts";
import { expectVerdict, explain, statesOf, untilVerdict } from "./explaining.ts";

const WAITING_MAX = 10;
const RESENDS = 2;
const shared = sharedServer({
  settings: {
    tokenAuthOn: true,
    "limits.pendingAcksMax": WAITING_MAX,
    "limits.outboxBytesMax": "2MiB",
    "messageRetry.interval": "1s",
    "messageRetry.scanInterval": "50ms",
    "messageRetry.maxCount": RESENDS,
  },
});

const MASTER = 1;
const SLAVE = 0;

async function connect(
  uid: string,
  options: { flag?: number; level?: number; deviceId?: string; acks?: boolean } = {},
) {
  const server = shared.current;
  const { flag = 0, level = SLAVE, acks = true } = options;
  await server.backEnd.setToken(uid, "secret", flag, level);
  return server.connect(uid, {
    token: "secret",
    deviceFlag: flag,
    acknowledges: acks,
    ...(options.deviceId === undefined ? {} : { deviceId: options.deviceId }),
  });
}

test("a message that was pushed and acknowledged is told as such, by id and by number", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using receiver = await connect(b);
  const clientMsgNo = uniqueId("n");
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "secret words", clientMsgNo });
  await receiver.takeSome(1);
  const explained = await untilVerdict(server, b, { id: messageId }, "acknowledged");
  expect(statesOf(explained)).toEqual(["acknowledged"]);
  expect(explained.message).toMatchObject({ message_idstr: String(messageId), message_seq: 1, log: "chat" });
  expect(explained.text.split("\n")[0]).toBe("The message was pushed to him and his device acknowledged it.");
  expect(stringifyJson(explained), "the payload is not shown").not.toContain("secret words");
  await expectVerdict(server, b, { number: clientMsgNo, channel: a, type: PERSON }, "acknowledged", "unread");
  await expectVerdict(server, b, { number: clientMsgNo, channel: b, type: PERSON, as: a }, "acknowledged");
});

test("a message that waits for its acknowledgement is waiting, then sent again, then acknowledged late", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using receiver = await connect(b, { acks: false });
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  const [first] = await receiver.takeSome(1);
  expect(statesOf(await untilVerdict(server, b, { id: messageId }, "waiting"))).toEqual(["waiting"]);
  await receiver.takeSome(1);
  const again = await explain(server, b, { id: messageId });
  expect(again).toMatchObject({ verdict: "waiting", sessions: [{ resends: 1 }] });
  receiver.acknowledge(first!);
  const late = await untilVerdict(server, b, { id: messageId }, "acknowledged_late");
  expect(late.sessions).toMatchObject([{ state: "acknowledged_late", resends: 1 }]);
});

test("a message that is never acknowledged is given up", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using receiver = await connect(b, { acks: false });
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  await receiver.takeSome(1 + RESENDS);
  const explained = await untilVerdict(server, b, { id: messageId }, "given_up");
  expect(explained.sessions).toMatchObject([{ state: "given_up", resends: RESENDS }]);
});

test("of more unacknowledged messages than may wait the oldest is forgotten, and the newest waits", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using receiver = await connect(b, { acks: false });
  const answers = await sender.burst(
    Array.from({ length: WAITING_MAX + 1 }, () => ({ to: b, type: PERSON, payload: "x" })),
  );
  await receiver.takeSome(WAITING_MAX + 1);
  const [oldest] = answers;
  if (oldest?.outcome !== "answered") throw new Error("no answer");
  await untilVerdict(server, b, { id: oldest.messageId }, "forgotten");
});

test("a session that is cut while its message waits has not acknowledged it", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using receiver = await connect(b, { acks: false });
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  await receiver.takeSome(1);
  receiver.close();
  const explained = await untilVerdict(server, b, { id: messageId }, "ended_unacknowledged");
  expect(explained.sessions).toMatchObject([{ state: "unacknowledged", end_reason: "client_closed" }]);
});

test("a session that is kicked while its message waits has not acknowledged it", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using receiver = await connect(b, { acks: false, level: MASTER });
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  await receiver.takeSome(1);
  using other = await connect(b, { level: MASTER });
  const explained = await untilVerdict(server, b, { id: messageId }, "kicked_unacknowledged");
  expect(statesOf(explained)).toEqual(["unacknowledged", "connected_after"]);
  expect(other.isClosed).toBe(false);
});

test("a slow reader that was cut has not acknowledged what it was sent", async () => {
  const server = shared.current;
  const [group, a, b] = [uniqueId("g"), uniqueId("a"), uniqueId("b")];
  await server.backEnd.createGroup(group, [a, b]);
  using sender = await connect(a);
  using receiver = await connect(b);
  receiver.pauseReading();
  const payload = Buffer.alloc(60_000, "x");
  const ids: bigint[] = [];
  await eventually(async () => {
    for (const answer of await sender.burst(Array.from({ length: 32 }, () => ({ to: group, type: GROUP, payload }))))
      if (answer.outcome === "answered") ids.push(answer.messageId);
    return (await server.http.post("/user/onlinestatus", [b])).text === "[]";
  }, "the slow reader is cut");
  // The last that were pushed before the cut waited for their acknowledgement then; what came behind found nobody.
  const verdicts: string[] = [];
  for (const id of ids.slice(-64)) verdicts.push((await explain(server, b, { id })).verdict);
  expect(verdicts).toContain("slow_reader");
  const after = await sender.sendOk({ to: group, type: GROUP, payload: "x" });
  await expectVerdict(server, b, { id: after.messageId }, "offline_slow_reader");
});

test("the sender's only session gets no copy, his other devices do", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using phone = await connect(a);
  const alone = await phone.sendOk({ to: b, type: PERSON, payload: "x" });
  await expectVerdict(server, a, { id: alone.messageId }, "own_message", "session_own_or_acknowledged");
  using browser = await connect(a, { flag: 1, acks: false });
  const second = await phone.sendOk({ to: b, type: PERSON, payload: "y" });
  await browser.takeSome(1);
  const explained = await expectVerdict(server, a, { id: second.messageId }, "own_message", "session_waiting");
  expect(explained.sessions.map(({ device_flag, state }) => [device_flag, state])).toEqual([
    [0, "own_or_acknowledged"],
    [1, "waiting"],
  ]);
});

test("each device is told apart: one has acknowledged, one waits, one came later", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await connect(a);
  using phone = await connect(b);
  using browser = await connect(b, { flag: 1, acks: false });
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  await phone.takeSome(1);
  await browser.takeSome(1);
  using desktop = await connect(b, { flag: 2 });
  const explained = await untilVerdict(server, b, { id: messageId }, "acknowledged");
  expect(statesOf(explained)).toEqual(["acknowledged", "waiting", "connected_after"]);
  expect(desktop.received).toEqual([]);
});

test("a message that is not to be kept is pushed once, and lost for who is offline", async () => {
  const server = shared.current;
  const [group, a, b, c] = [uniqueId("g"), uniqueId("a"), uniqueId("b"), uniqueId("c")];
  await server.backEnd.createGroup(group, [a, b, c]);
  using sender = await connect(a);
  using receiver = await connect(b);
  const clientMsgNo = uniqueId("n");
  const { messageId } = await sender.sendOk({ to: group, type: GROUP, payload: "x", flags: NO_PERSIST, clientMsgNo });
  await receiver.takeSome(1);
  await expectVerdict(server, b, { id: messageId }, "pushed", "not_kept", "session_pushed");
  await expectVerdict(server, c, { id: messageId }, "not_kept_offline", "not_kept");
  await expectVerdict(server, a, { id: messageId }, "own_message", "session_own");
  await expectVerdict(server, c, { number: clientMsgNo, channel: group, type: GROUP }, "not_kept_offline");
  await expectVerdict(server, uniqueId("d"), { id: messageId }, "not_member");
});
