/** TangSengDaoDao: the life of a group, with the notices it writes into it and the commands it sends beside them. */
import { expect, test } from "vitest";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";
import { contentOf } from "./tang-seng.ts";
import { group, KEPT, type Town, town } from "./tang-seng-town.ts";

const shared = town();
const OK = { status: 200 };
const WHOLE = { start: 0, end: 0, limit: 100, mode: 1 } as const;

/** What the library sends when a group is made: the channel, then a notice in it by nobody. */
async function create({ tangSeng }: Town, members: readonly string[]): Promise<{ id: string; type: number }> {
  const channel = group(uniqueId("g"));
  expect(await tangSeng.createChannel(channel, members)).toEqual(OK);
  const creator = members[0]!;
  await tangSeng.send({
    header: KEPT,
    to: channel,
    payload: { creator, creator_name: "Alice", content: "Alice邀请{0}加入群聊", version: 1, extra: [], type: 1001 },
  });
  return channel;
}

test("a new group: the notice of its making is the first message, for those online, away, and the creator himself", async () => {
  const here = shared.current;
  using alice = await here.moveIn("alice");
  const away = await here.register("away");
  const channel = await create(here, [alice.uid, away]);
  expect(await alice.receive(1)).toEqual([
    { fromUid: "", channelId: channel.id, channelType: 2, messageSeq: 1, text: "Alice邀请{0}加入群聊" },
  ]);
  for (const uid of [alice.uid, away]) {
    const chats = await here.tangSeng.conversations(uid, {});
    expect(chats).toHaveLength(1);
    expect(chats[0]).toMatchObject({ channel_id: channel.id, channel_type: 2, unread: 1, last_msg_seq: 1n });
    expect(chats[0]!.recents).toHaveLength(1);
    expect(chats[0]!.recents[0]).toMatchObject({
      header: { no_persist: 0, red_dot: 1, sync_once: 0 },
      setting: 0,
      message_seq: 1,
      from_uid: "",
      channel_id: channel.id,
      channel_type: 2,
      expire: 0,
      stream_no: "",
      streams: [],
    });
    expect(contentOf(chats[0]!.recents[0]!)).toMatchObject({ type: 1001, creator: alice.uid });
  }
});

test("a group without members (null), and one that is made twice, are no mistakes", async () => {
  const here = shared.current;
  using alice = await here.moveIn("alice");
  const channel = group(uniqueId("g"));
  expect(await here.tangSeng.createChannel(channel, null)).toEqual(OK);
  expect(await here.tangSeng.createChannel(channel, [alice.uid])).toEqual(OK);
  expect(await here.tangSeng.createChannel(channel, [alice.uid])).toEqual(OK);
  expect(await alice.sendText(channel.id, 2, "first")).toEqual({ reason: 1, messageSeq: 1 });
});

test("who joins gets the next message and no unread of before; who is kicked gets nothing more and loses the chat", async () => {
  const here = shared.current;
  const { tangSeng } = here;
  using alice = await here.moveIn("alice");
  using bob = await here.moveIn("bob");
  const channel = await create(here, [alice.uid]);
  await alice.sendText(channel.id, 2, "before");
  expect(await tangSeng.addSubscribers(channel, [bob.uid])).toEqual(OK);
  await tangSeng.send({
    header: KEPT,
    to: channel,
    payload: { content: "Alice邀请{0}加入群聊", extra: [], type: 1002 },
  });
  await tangSeng.sendCommand({ cmd: "memberUpdate", to: channel, param: { group_no: channel.id } });
  expect(await bob.receive(1)).toMatchObject([{ messageSeq: 3, text: "Alice邀请{0}加入群聊" }]);
  expect(await bob.receiveCommands(1)).toEqual([{ fromUid: "", cmd: "memberUpdate", param: { group_no: channel.id } }]);
  expect(await tangSeng.conversations(bob.uid, { count: 10 })).toMatchObject([{ channel_id: channel.id, unread: 1 }]);

  expect(await tangSeng.removeSubscribers(channel, [bob.uid])).toEqual(OK);
  expect(await alice.sendText(channel.id, 2, "he is gone")).toMatchObject({ reason: 1 });
  expect(await bob.sendText(channel.id, 2, "am I?")).toMatchObject({ reason: 3 });
  expect(await staysQuiet(() => bob.received.length > 0)).toBe(true);
  expect(await tangSeng.conversations(bob.uid, {})).toEqual([]);
});

test("the notice to removed members, with channel and subscribers in one send, is refused with a text, and nobody gets it", async () => {
  const here = shared.current;
  const { tangSeng } = here;
  using alice = await here.moveIn("alice");
  using bob = await here.moveIn("bob");
  const channel = await create(here, [alice.uid, bob.uid]);
  await Promise.all([alice.receive(1), bob.receive(1)]);
  await tangSeng.removeSubscribers(channel, [bob.uid]);
  await expect(tangSeng.sendRemovedNotice(channel, [bob.uid])).rejects.toThrow("无法处理发送消息请求！");
  expect(await staysQuiet(() => alice.received.length + bob.received.length > 0)).toBe(true);
  expect((await tangSeng.history(alice.uid, channel, WHOLE)).messages).toHaveLength(1);
  // What reaches him is the command to subscribers, which names no channel.
  await tangSeng.sendCommand({ cmd: "groupMemberBeRemoved", subscribers: [bob.uid], param: { group_no: channel.id } });
  expect(await bob.receiveCommands(1)).toMatchObject([{ cmd: "groupMemberBeRemoved" }]);
});

test("a muted member cannot write and still reads and keeps the chat; unmuted he writes again", async () => {
  const here = shared.current;
  const { tangSeng } = here;
  using alice = await here.moveIn("alice");
  using bob = await here.moveIn("bob");
  const channel = await create(here, [alice.uid, bob.uid]);
  await bob.receive(1);
  expect(await tangSeng.editList("blacklist", "add", channel, [bob.uid])).toEqual(OK);
  expect(await bob.sendText(channel.id, 2, "muted")).toMatchObject({ reason: 4 });
  await alice.sendText(channel.id, 2, "quiet now");
  expect(await bob.receive(1)).toMatchObject([{ text: "quiet now" }]);
  expect(await tangSeng.conversations(bob.uid, {})).toMatchObject([{ channel_id: channel.id, unread: 2 }]);
  expect(await tangSeng.editList("blacklist", "remove", channel, [bob.uid])).toEqual(OK);
  expect(await bob.sendText(channel.id, 2, "back")).toMatchObject({ reason: 1 });
  expect(await tangSeng.editList("blacklist", "set", channel, [])).toEqual(OK);
});

test("a muted group: only its managers write, and the system's notices come through; unmuted everybody writes", async () => {
  const here = shared.current;
  const { tangSeng } = here;
  using alice = await here.moveIn("alice");
  using bob = await here.moveIn("bob");
  const channel = await create(here, [alice.uid, bob.uid]);
  await bob.receive(1);
  expect(await tangSeng.editList("whitelist", "set", channel, [alice.uid])).toEqual(OK);
  await tangSeng.send({
    header: KEPT,
    to: channel,
    payload: { content: "{0}开启了群禁言", data: { forbidden: "1" }, type: 1005 },
  });
  expect(await bob.receive(1)).toMatchObject([{ text: "{0}开启了群禁言" }]);
  expect(await bob.sendText(channel.id, 2, "muted")).toMatchObject({ reason: 13 });
  expect(await alice.sendText(channel.id, 2, "the manager")).toMatchObject({ reason: 1 });
  expect(await tangSeng.editList("whitelist", "set", channel, [])).toEqual(OK);
  expect(await bob.sendText(channel.id, 2, "free")).toMatchObject({ reason: 1 });
});

test("a banned group: nobody writes, commands go through, and lifting the ban keeps members and messages", async () => {
  const here = shared.current;
  const { tangSeng } = here;
  using alice = await here.moveIn("alice");
  using bob = await here.moveIn("bob");
  const channel = await create(here, [alice.uid, bob.uid]);
  expect(await tangSeng.setChannelInfo(channel, 1)).toEqual(OK);
  expect(await alice.sendText(channel.id, 2, "banned")).toMatchObject({ reason: 19 });
  await tangSeng.sendCommand({ cmd: "channelUpdate", to: channel, param: { channel_id: channel.id, channel_type: 2 } });
  expect(await bob.receiveCommands(1)).toMatchObject([{ cmd: "channelUpdate" }]);
  // A notice of the system is no success either: HTTP 200 as ever, and no place in the channel.
  const notice = await tangSeng.send({ header: KEPT, to: channel, payload: { content: "封禁了该群", type: 1005 } });
  expect(notice.message_seq).toBe(0);
  expect(await tangSeng.setChannelInfo(channel, 0)).toEqual(OK);
  expect(await bob.sendText(channel.id, 2, "again")).toEqual({ reason: 1, messageSeq: 2 });
});

test("a dissolved group: announced by a command, closed for writing, its history stays readable", async () => {
  const here = shared.current;
  const { tangSeng } = here;
  using alice = await here.moveIn("alice");
  using bob = await here.moveIn("bob");
  const channel = await create(here, [alice.uid, bob.uid]);
  await alice.sendText(channel.id, 2, "last words");
  expect(await tangSeng.deleteChannel(channel)).toEqual(OK);
  await tangSeng.sendCommand({ cmd: "groupDisband", to: channel, param: { group_no: channel.id } });
  expect(await bob.receiveCommands(1)).toEqual([{ fromUid: "", cmd: "groupDisband", param: { group_no: channel.id } }]);
  expect(await alice.sendText(channel.id, 2, "too late")).toMatchObject({ reason: 24 });
  const { messages } = await tangSeng.history(bob.uid, channel, WHOLE);
  expect(messages.map((message) => contentOf(message)["content"])).toEqual(["Alice邀请{0}加入群聊", "last words"]);
  expect(await tangSeng.deleteChannel(group(uniqueId("never-made")))).toEqual(OK);
});
