/** TangSengDaoDao: commands. Typing, revoking, friend requests, and what is fetched later by who was away. */
import { describe, expect, test } from "vitest";
import { staysQuiet, uniqueId } from "../harness/waiting.ts";
import { contentOf, type TangSengMessage } from "./tang-seng.ts";
import { group, KEPT, person, town } from "./tang-seng-town.ts";

const shared = town();
const OK = { status: 200 };

function commandsOf(messages: readonly TangSengMessage[]): unknown[] {
  return messages.map((message) => contentOf(message)["cmd"]);
}

describe("TangSengDaoDao: commands", () => {
  test("revoking a message: everybody in the chat is told at once, who was away later, and the id is exact", async () => {
    const { tangSeng, moveIn, register } = shared.current;
    using alice = await moveIn("alice");
    using bob = await moveIn("bob");
    const away = await register("away");
    const channel = group(uniqueId("g"));
    await tangSeng.createChannel(channel, [alice.uid, bob.uid, away]);
    const sent = await tangSeng.send({
      header: KEPT,
      from: alice.uid,
      to: channel,
      payload: { type: 1, content: "oops" },
    });
    const param = { message_id: String(sent.message_id) };
    await tangSeng.sendCommand({ cmd: "messageRevoke", from: alice.uid, to: channel, param });
    for (const client of [alice, bob]) {
      expect(await client.receiveCommands(1)).toEqual([{ fromUid: alice.uid, cmd: "messageRevoke", param }]);
    }
    const page = await tangSeng.syncCommands(away, 100);
    expect(page).toMatchObject([
      { channel_id: `${channel.id}____cmd`, channel_type: 2, from_uid: alice.uid, message_seq: 1 },
    ]);
    expect(page[0]!.header).toEqual({ no_persist: 0, red_dot: 0, sync_once: 1 });
    expect(contentOf(page[0]!)).toEqual({ cmd: "messageRevoke", type: 99, param });
    // A command is no message of the chat.
    expect(await tangSeng.conversations(away, { count: 10 })).toMatchObject([{ unread: 1, last_msg_seq: 1n }]);
  });

  test("typing, in a person chat and in a group: pushed, kept nowhere", async () => {
    const { tangSeng, moveIn, register } = shared.current;
    using bob = await moveIn("bob");
    const alice = await register("alice");
    const channel = group(uniqueId("g"));
    await tangSeng.createChannel(channel, [alice, bob.uid]);
    for (const to of [person(bob.uid), channel]) {
      const param = { from_uid: alice, channel_id: to.id, channel_type: to.type };
      const sent = await tangSeng.sendCommand({ cmd: "typing", to, param, isTransient: true });
      expect(sent.message_seq).toBe(0);
      expect(await bob.receiveCommands(1)).toEqual([{ fromUid: "", cmd: "typing", param }]);
    }
    expect(await tangSeng.syncCommands(bob.uid, 100)).toEqual([]);
    expect(await tangSeng.conversations(bob.uid, { count: 10 })).toEqual([]);
  });

  test("a friend request by nobody to a person who is away is fetched by him, and makes no chat", async () => {
    const { tangSeng, register } = shared.current;
    const [alice, bob] = [await register("alice"), await register("bob")];
    const payload = { apply_uid: alice, apply_name: "Alice", to_uid: bob, remark: "", token: "t", type: 1013 };
    await tangSeng.send({ header: { no_persist: 0, red_dot: 0, sync_once: 1 }, to: person(bob), payload });
    const page = await tangSeng.syncCommands(bob, 100);
    expect(page).toMatchObject([{ from_uid: "", channel_type: 1 }]);
    expect(contentOf(page[0]!)).toEqual(payload);
    expect(await tangSeng.conversations(bob, { count: 10 })).toEqual([]);
  });

  test("a command to subscribers names no channel: online they get it, away they fetch it, others never see it", async () => {
    const { tangSeng, moveIn, register } = shared.current;
    using online = await moveIn("online");
    using other = await moveIn("other");
    const away = await register("away");
    const subscribers = [online.uid, away];
    await tangSeng.sendCommand({ cmd: "unreadClear", subscribers, param: { channel_id: "x", channel_type: 1 } });
    expect(await online.receiveCommands(1)).toMatchObject([{ cmd: "unreadClear" }]);
    expect(commandsOf(await tangSeng.syncCommands(away, 100))).toEqual(["unreadClear"]);
    expect(await staysQuiet(() => other.commands.length > 0)).toBe(true);
    expect(await tangSeng.syncCommands(other.uid, 100)).toEqual([]);
  });

  test("a transient command to subscribers is pushed to who is online, and kept for nobody", async () => {
    const { tangSeng, moveIn, register } = shared.current;
    using online = await moveIn("online");
    const away = await register("away");
    await tangSeng.sendCommand({ cmd: "onlineStatus", subscribers: [online.uid, away], param: {}, isTransient: true });
    expect(await online.receiveCommands(1)).toMatchObject([{ cmd: "onlineStatus" }]);
    expect(await tangSeng.syncCommands(away, 100)).toEqual([]);
  });

  test("sync and syncack in small steps hand out every command once, in the order of their sending", async () => {
    const { tangSeng, register } = shared.current;
    const [alice, bob] = [await register("alice"), await register("bob")];
    const channel = group(uniqueId("g"));
    await tangSeng.createChannel(channel, [alice, bob]);
    const expected: string[] = [];
    for (let n = 1; n <= 9; n++) {
      expected.push(`cmd${n}`);
      const where = [{ to: channel }, { to: person(bob) }, { subscribers: [bob] }][n % 3]!;
      await tangSeng.sendCommand({ cmd: `cmd${n}`, from: alice, param: {}, ...where });
    }
    const handedOut: unknown[] = [];
    for (;;) {
      const page = await tangSeng.syncCommands(bob, 4);
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(4);
      handedOut.push(...commandsOf(page));
      expect(await tangSeng.acknowledgeCommands(bob, page.at(-1)!.message_seq)).toEqual(OK);
    }
    expect(handedOut).toEqual(expected);
  });

  test("what a client has received online and acknowledged is not handed out again", async () => {
    const { tangSeng, moveIn } = shared.current;
    using bob = await moveIn("bob");
    const channel = group(uniqueId("g"));
    await tangSeng.createChannel(channel, [bob.uid]);
    await tangSeng.sendCommand({ cmd: "channelUpdate", to: channel, param: {} });
    await bob.receiveCommands(1);
    await expect.poll(() => tangSeng.syncCommands(bob.uid, 100)).toEqual([]);
  });
});
