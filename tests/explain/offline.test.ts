/** A message that nobody was there to take: why there was no session, and whether the chat list shows it. */
import { expect, test } from "vitest";
import { GROUP, PERSON } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { delay, eventually, uniqueId } from "../harness/waiting.ts";
import { RED_DOT, SYNC_ONCE } from "../harness/wire-client.ts";
import { expectVerdict, statesOf, untilVerdict } from "./explaining.ts";

const shared = sharedServer();

async function group(members: readonly string[]): Promise<string> {
  const id = uniqueId("g");
  await shared.current.backEnd.createGroup(id, members);
  return id;
}

/** By HTTP, from a user who needs no session. */
async function sent(from: string, to: string, type: number, header = {}): Promise<bigint> {
  const { message_id } = await shared.current.backEnd.send({ from, to, type, text: "x", header });
  return BigInt(message_id);
}

async function isOffline(uid: string): Promise<void> {
  const { http } = shared.current;
  await eventually(async () => (await http.post("/user/onlinestatus", [uid])).text === "[]", `${uid} is offline`);
}

test("a user who has never logged in was offline, and his chat list has the message", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await sent(a, b, PERSON);
  await expectVerdict(shared.current, b, { id }, "offline_never_connected", "list_shown", "unread", "webhook_off");
});

test("a user whose session had ended before was offline", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await shared.current.connect(b);
  await client.end();
  await isOffline(b);
  const id = await sent(a, b, PERSON);
  const explained = await expectVerdict(shared.current, b, { id }, "offline", "session_ended_before");
  expect(explained.text).toContain("client closed");
});

test("a user who was kicked before was offline", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using client = await shared.current.connect(b);
  await shared.current.backEnd.setToken(b, "secret", 0, 0);
  await shared.current.http.ask("/user/device_quit", { uid: b, device_flag: 0 });
  await isOffline(b);
  // It may be on its way still.
  await client.until(() => client.disconnected !== undefined, 10_000);
  expect(client.disconnected).toMatchObject({ reason: 12 });
  const id = await sent(a, b, PERSON);
  await expectVerdict(shared.current, b, { id }, "offline_kicked");
});

test("a user whose logins are refused was offline, and the device flag is named", async () => {
  await using server = await ServerProcess.start({ settings: { tokenAuthOn: true } });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  await server.backEnd.setToken(b, "secret", 0, 0);
  await expect(server.connect(b, { token: "secret", deviceFlag: 1 })).rejects.toThrow();
  const { message_id } = await server.backEnd.send({ from: a, to: b, type: PERSON, text: "x" });
  const asked = { id: message_id };
  const explained = await expectVerdict(server, b, asked, "offline_login_refused", "login_refused");
  expect(explained.text.split("\n")[0]).toContain("auth failed (device flag 1)");
  expect(explained.text).toContain("Tokens are set for device flag 0.");
  using _ = await server.connect(b, { token: "secret", deviceFlag: 0 });
  await expectVerdict(server, b, asked, "offline_never_connected", "login_refused", "session_connected_after");
});

test("a stranger did not get a group's message", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await sent(a, await group([a]), GROUP);
  await expectVerdict(shared.current, b, { id }, "not_member", "membership_none");
});

test("who joined later did not get the message, though he was a member before", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const to = await group([a, b]);
  const first = await sent(a, to, GROUP);
  await shared.current.backEnd.removeMembers(to, [b]);
  const second = await sent(a, to, GROUP);
  await shared.current.backEnd.addMembers(to, [b]);
  const third = await sent(a, to, GROUP);
  await expectVerdict(shared.current, b, { id: first }, "offline_never_connected", "membership_member");
  await expectVerdict(shared.current, b, { id: second }, "joined_later", "membership_joined_later");
  await expectVerdict(shared.current, b, { id: third }, "offline_never_connected", "membership_member");
});

test("who had left before did not get the message, and what came before he left was his", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const to = await group([a, b]);
  const before = await sent(a, to, GROUP);
  await shared.current.backEnd.removeMembers(to, [b]);
  const after = await sent(a, to, GROUP);
  await expectVerdict(shared.current, b, { id: after }, "left_before", "membership_left_before", "list_left");
  await expectVerdict(shared.current, b, { id: before }, "offline_never_connected", "membership_member", "list_left");
});

test("a member on the deny list still gets messages", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const to = await group([a, b]);
  await server.backEnd.editList("blacklist", "add", to, GROUP, [b]);
  using client = await server.connect(b);
  const id = await sent(a, to, GROUP);
  await client.takeSome(1);
  const explained = await untilVerdict(server, b, { id }, "acknowledged");
  expect(explained.facts.map(({ code }) => code)).toContain("on_deny_list");
});

test("who has deleted the chat after the message does not see it", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await sent(a, b, PERSON);
  await server.backEnd.deleteChat(b, a);
  await expectVerdict(server, b, { id }, "chat_deleted", "list_deleted");
  const next = await sent(a, b, PERSON);
  await expectVerdict(server, b, { id: next }, "offline_never_connected", "list_shown");
});

test("who has read past the message has seen it", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await sent(a, b, PERSON);
  await server.backEnd.clearUnread(b, a);
  await expectVerdict(server, b, { id }, "read", "read");
});

test("who has sent after the message has it no longer counted as unread", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await sent(a, b, PERSON);
  await sent(b, a, PERSON);
  await expectVerdict(shared.current, b, { id }, "offline_never_connected", "not_counted");
});

test("a live channel's message is in no chat list", async () => {
  const server = shared.current;
  const [a, b, to] = [uniqueId("a"), uniqueId("b"), uniqueId("live")];
  await server.http.ask("/channel", { channel_id: to, channel_type: 9, subscribers: [a, b] });
  const id = await sent(a, to, 9);
  await expectVerdict(server, b, { id }, "type_not_listed", "list_type_not_listed");
});

test("the chat with the server's own account is in no chat list", async () => {
  const b = uniqueId("b");
  const { message_id } = await shared.current.backEnd.send({ to: b, type: PERSON, text: "x" });
  await expectVerdict(shared.current, b, { id: message_id }, "system_chat", "list_system_chat");
});

test("an expired message is gone", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await server.connect(a);
  const clientMsgNo = uniqueId("n");
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x", expire: 1, clientMsgNo });
  await untilVerdict(server, b, { id: messageId }, "expired");
  await expectVerdict(server, b, { number: clientMsgNo, channel: a, type: PERSON }, "expired", "expires", "stored");
});

test("a command waits for the next sync, and is past when it was acknowledged", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const id = await sent(a, b, PERSON, { sync_once: 1 });
  const open = await expectVerdict(server, b, { id }, "offline_never_connected", "command_open");
  expect(open.message?.log).toBe("command");
  const handed: readonly { readonly message_seq: number }[] = await server.http.ask("/message/sync", {
    uid: b,
    limit: 10,
  });
  await server.http.ask("/message/syncack", { uid: b, last_message_seq: handed.at(-1)?.message_seq });
  await expectVerdict(server, b, { id }, "command_acknowledged", "command_past");
});

test("a member who joined after a command does not get it", async () => {
  const server = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const to = await group([a]);
  const id = await sent(a, to, GROUP, { sync_once: 1 });
  await server.backEnd.addMembers(to, [b]);
  await expectVerdict(server, b, { id }, "joined_later");
});

test("with commands switched off an offline user never gets them", async () => {
  await using server = await ServerProcess.start({ settings: { disableCMDMessageSync: true } });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await server.connect(a);
  const { messageId } = await sender.sendOk({ to: b, type: PERSON, payload: "x", flags: SYNC_ONCE | RED_DOT });
  await expectVerdict(server, b, { id: messageId }, "commands_off", "command_sync_off");
});

test("a command of a live channel is only pushed", async () => {
  const server = shared.current;
  const [a, b, to] = [uniqueId("a"), uniqueId("b"), uniqueId("live")];
  await server.http.ask("/channel", { channel_id: to, channel_type: 9, subscribers: [a, b] });
  const id = await sent(a, to, 9, { sync_once: 1 });
  await expectVerdict(server, b, { id }, "commands_not_kept", "command_not_kept");
});

test("after a restart it is known that the session ended with the server", async () => {
  await using server = await ServerProcess.start();
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await server.connect(a);
  using silent = await server.connect(b, { acknowledges: false });
  const first = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  await silent.takeSome(1);
  await server.restart("SIGTERM");
  await expectVerdict(server, b, { id: first.messageId }, "stopped_unacknowledged", "server_restarted");
  using again = await server.connect(a);
  const second = await again.sendOk({ to: b, type: PERSON, payload: "y" });
  await expectVerdict(server, b, { id: second.messageId }, "offline_server_stopped");
});

test("after a crash what was acknowledged is not known, and that the session ended is", async () => {
  await using server = await ServerProcess.start();
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await server.connect(a);
  using receiver = await server.connect(b);
  // A login is on the disk about a second later; there is no other sign of it.
  await delay(3_000);
  const first = await sender.sendOk({ to: b, type: PERSON, payload: "x" });
  await receiver.takeSome(1);
  await server.restart("SIGKILL");
  const explained = await expectVerdict(server, b, { id: first.messageId }, "acknowledgement_unknown");
  expect(statesOf(explained)).toEqual(["server_stopped"]);
  using again = await server.connect(a);
  const second = await again.sendOk({ to: b, type: PERSON, payload: "y" });
  await expectVerdict(server, b, { id: second.messageId }, "offline_server_stopped", "session_ended_before");
});

test("a message that was not to be kept is forgotten by a restart", async () => {
  await using server = await ServerProcess.start();
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  const { message_id } = await server.backEnd.send({
    from: a,
    to: b,
    type: PERSON,
    text: "x",
    header: { no_persist: 1 },
  });
  await expectVerdict(server, b, { id: message_id }, "not_kept_offline");
  await server.restart("SIGTERM");
  await expectVerdict(server, b, { id: message_id }, "message_unknown");
});
