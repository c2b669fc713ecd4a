/** A message that was never taken: the answer names the rule that decided. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import type { Answer, Outgoing } from "../harness/wire-client.ts";
import { expectVerdict } from "./explaining.ts";

const PAYLOAD_BYTES_MAX = 1_000;
const shared = sharedServer({
  settings: { whitelistOffOfPerson: false, "limits.payloadBytesMax": PAYLOAD_BYTES_MAX },
});

async function group(members: readonly string[]): Promise<string> {
  const id = uniqueId("g");
  await shared.current.backEnd.createGroup(id, members);
  return id;
}

/** `from` sends, is refused with `reason`, and the receiver's explanation is `verdict`, by id and by number. */
async function refused(from: string, to: string, outgoing: Outgoing, reason: number, verdict: string): Promise<void> {
  const server = shared.current;
  const clientMsgNo = uniqueId("n");
  using client = await server.connect(from);
  const answer = await client.send({ ...outgoing, clientMsgNo });
  expect(answer).toMatchObject({ outcome: "answered", reason });
  if (answer.outcome !== "answered") return;
  await expectVerdict(server, to, { id: answer.messageId, from }, verdict, "refused");
  await expectVerdict(server, from, { id: answer.messageId }, verdict, "refused");
  const named = { number: clientMsgNo, channel: outgoing.to, type: outgoing.type, from, as: from };
  await expectVerdict(server, to, named, verdict, "refused");
}

test("a message that was never sent is not known", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await expectVerdict(shared.current, b, { number: uniqueId("n"), channel: a, type: PERSON }, "message_unknown");
  await expectVerdict(shared.current, b, { id: 123_456_789_012n }, "message_unknown");
});

test("a sender who is no member was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await refused(a, b, { to: await group([b]), type: GROUP, payload: "x" }, 3, "refused_not_member");
});

test("a sender on the receiver's deny list was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await shared.current.backEnd.editList("blacklist", "add", b, PERSON, [a]);
  await refused(a, b, { to: b, type: PERSON, payload: "x" }, 4, "refused_deny_list");
});

test("a sender on the group's deny list was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await group([a, b]);
  await shared.current.backEnd.editList("blacklist", "add", id, GROUP, [a]);
  await refused(a, b, { to: id, type: GROUP, payload: "x" }, 4, "refused_deny_list");
});

test("a sender who is not on the receiver's allow list was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await refused(a, b, { to: b, type: PERSON, payload: "x" }, 13, "refused_allow_list");
});

test("a sender with a send ban was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await shared.current.http.ask("/channel/info", { channel_id: a, channel_type: PERSON, send_ban: 1 });
  await refused(a, b, { to: await group([a, b]), type: GROUP, payload: "x" }, 25, "refused_send_ban");
});

test("a message to a banned channel was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await group([a, b]);
  await shared.current.http.ask("/channel/info", { channel_id: id, channel_type: GROUP, ban: 1 });
  await refused(a, b, { to: id, type: GROUP, payload: "x" }, 19, "refused_channel_ban");
});

test("a message to a disbanded channel was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await group([a, b]);
  await shared.current.http.ask("/channel/info", { channel_id: id, channel_type: GROUP, disband: 1 });
  await refused(a, b, { to: id, type: GROUP, payload: "x" }, 24, "refused_disbanded");
});

test("a member of a temporary channel who may only receive was refused", async () => {
  const [a, b, id] = [uniqueId("a"), uniqueId("b"), uniqueId("t")];
  await shared.current.http.ask("/tmpchannel/subscriber_set", { channel_id: id, uids: [a, b] });
  await refused(a, b, { to: id, type: 8, payload: "x" }, 3, "refused_receive_only");
});

test("a payload that is too large was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const payload = "x".repeat(PAYLOAD_BYTES_MAX + 1);
  await refused(a, b, { to: await group([a, b]), type: GROUP, payload }, 15, "refused_payload_too_large");
});

test("a number that is too long was refused", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await group([a, b]);
  using client = await server.connect(a);
  const answer = await client.send({ to: id, type: GROUP, payload: "x", clientMsgNo: "n".repeat(300) });
  if (answer.outcome !== "answered") throw new Error("no answer");
  await expectVerdict(server, b, { id: answer.messageId, from: a }, "refused_text_too_long");
});

test("a channel that cannot be was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const server = shared.current;
  using client = await server.connect(a);
  const answer = await client.send({ to: `${a}@${b}`, type: PERSON, payload: "x" });
  if (answer.outcome !== "answered") throw new Error("no answer");
  await expectVerdict(server, b, { id: answer.messageId, from: a }, "refused_bad_channel");
});

test("a message with a wrong msgKey was refused", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const outgoing = { to: await group([a, b]), type: GROUP, payload: "x", hasBadKey: true };
  await refused(a, b, outgoing, 9, "refused_undecodable");
});

test("a number that was used for another payload was refused, and the first message is there", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await group([a, b]);
  using client = await server.connect(a);
  const clientMsgNo = uniqueId("n");
  await client.sendOk({ to: id, type: GROUP, payload: "one", clientMsgNo });
  const second = await client.send({ to: id, type: GROUP, payload: "two", clientMsgNo });
  if (second.outcome !== "answered") throw new Error("no answer");
  expect(second.reason).toBe(28);
  await expectVerdict(server, b, { id: second.messageId, from: a }, "refused_number_reused");
  const first = { number: clientMsgNo, channel: id, type: GROUP, from: a };
  await expectVerdict(server, b, first, "offline_never_connected", "stored", "refused_before");
});

test("of a flood of refused messages the last ones are known, and the others are counted", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await group([b]);
  using client = await server.connect(a);
  const list = Array.from({ length: 300 }, (_, index) => ({
    to: id,
    type: GROUP,
    payload: "x",
    clientMsgNo: `${a}n${index}`,
  }));
  await client.burst(list);
  const named = { channel: id, type: GROUP, from: a };
  const last = await expectVerdict(server, b, { ...named, number: `${a}n299` }, "refused_not_member", "refused");
  expect(last.text).toContain("300 of this kind");
  await expectVerdict(server, b, { ...named, number: `${a}n0` }, "message_unknown", "perhaps_refused");
});

test("a refusal is still known after a restart", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await using server = await ServerProcess.start();
  const id = uniqueId("g");
  await server.backEnd.createGroup(id, [b]);
  using client = await server.connect(a);
  const answer = await client.send({ to: id, type: GROUP, payload: "x" });
  if (answer.outcome !== "answered") throw new Error("no answer");
  await server.restart("SIGTERM");
  await expectVerdict(server, b, { id: answer.messageId, from: a }, "refused_not_member", "refused");
});

test("a message that came when too much was waiting was refused", async () => {
  const slowDisk = new URL("../bounds/slow-disk.ts", import.meta.url).href;
  await using server = await ServerProcess.start({
    settings: { "limits.commitQueueBatchesMax": 1 },
    environment: { NODE_OPTIONS: `--import=${slowDisk}` },
  });
  const a = uniqueId("a");
  using client = await server.connect(a);
  const isOverloaded = (answer: Answer): boolean => answer.outcome === "answered" && answer.reason === 22;
  const [to, answer] = await eventually(async () => {
    const receivers = Array.from({ length: 8 }, () => uniqueId("b"));
    const sends = receivers.map((uid) => ({ to: uid, type: PERSON, payload: "x" }));
    // One after the other: each read of the server is a batch of its own.
    const answers = Promise.all(sends.map((send) => client.send(send)));
    const index = (await answers).findIndex(isOverloaded);
    return index < 0 ? undefined : ([receivers[index]!, (await answers)[index]!] as const);
  }, "a message is refused for want of room");
  if (answer.outcome !== "answered") throw new Error("no answer");
  await expectVerdict(server, to, { id: answer.messageId, from: a }, "refused_overloaded", "refused");
});
