/** How a user stands to a message, from the rows that sends and membership changes have left. */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { createBatch, put } from "../store/batch.ts";
import { shardOfUser } from "../store/shards.ts";
import { conversationTable } from "../store/tables.ts";
import { type ChannelKey, MessageFlag, type StoredMessage } from "./message.ts";
import { MessageStandings, type Standing } from "./message-standing.ts";
import { Removals } from "./removals.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const LIVE = { type: 9, id: "room" } as const;

async function opened(members: readonly string[], key: ChannelKey = GROUP): Promise<Messaging> {
  const messaging = await Messaging.open();
  await messaging.done(messaging.admin.addMembers(key, members, { reset: false }));
  return messaging;
}
function standingsOf(messaging: Messaging): MessageStandings {
  const { store, channels, conversations, history, simulation } = messaging;
  const removals = new Removals(store, simulation.world.clock);
  const options = { showSystem: false, countAll: false };
  return new MessageStandings({ store, channels, conversations, history, removals, options });
}
async function sent(messaging: Messaging, key: ChannelKey, flags: number = MessageFlag.redDot): Promise<StoredMessage> {
  const { id } = await messaging.send("ann", key, { flags, clientMsgNo: `n${messaging.announced.length}` });
  const message = await messaging.done(standingsOf(messaging).byId(id));
  if (message === undefined) throw new Error("the message is not stored");
  return message;
}
function standing(messaging: Messaging, uid: string, message: StoredMessage): Promise<Standing> {
  return messaging.done(standingsOf(messaging).of(uid, message));
}
const remove = (messaging: Messaging, uid: string): Promise<void> =>
  messaging.done(messaging.admin.removeMembers(GROUP, [uid]));
const add = (messaging: Messaging, uid: string): Promise<void> =>
  messaging.done(messaging.admin.addMembers(GROUP, [uid], { reset: false }));

describe("membership at a message", () => {
  test.each([
    ["chat", MessageFlag.redDot],
    ["command", MessageFlag.syncOnce],
  ] as const)("follows joining, leaving and coming back in the %s log", async (_, flags) => {
    const messaging = await opened(["ann"]);
    const messages = [await sent(messaging, GROUP, flags)];
    for (const change of [add, remove, add]) {
      await change(messaging, "ben");
      messages.push(await sent(messaging, GROUP, flags));
    }
    const found = [];
    for (const message of messages) found.push((await standing(messaging, "ben", message)).membership);
    expect(found).toEqual(["joined_later", "member", "joined_later", "member"]);
    await remove(messaging, "ben");
    const last = await standing(messaging, "ben", await sent(messaging, GROUP, flags));
    expect(last).toMatchObject({ membership: "left_before", joinedAfterSeq: 3, leftAfterSeq: 4 });
    expect(await standing(messaging, "cid", messages[0]!)).toMatchObject({ membership: "none" });
  });

  test("is implied for both sides of a person chat, whoever asks for it otherwise", async () => {
    const messaging = await Messaging.open();
    const message = await sent(messaging, { type: 1, id: "ben" });
    expect(await standing(messaging, "ben", message)).toMatchObject({ membership: "implied", listing: "shown" });
    expect(await standing(messaging, "cid", message)).toMatchObject({ membership: "none", listing: "no_row" });
    expect(await standing(messaging, SYSTEM_UID, message)).toMatchObject({ membership: "none" });
  });

  test("of channels that keep no rows is told by the time of joining", async () => {
    const messaging = await opened(["ann", "ben"], LIVE);
    const message = await sent(messaging, LIVE);
    await messaging.simulation.run(5_000);
    await messaging.done(messaging.admin.addMembers(LIVE, ["cid"], { reset: false }));
    expect(await standing(messaging, "ben", message)).toMatchObject({
      membership: "member",
      listing: "type_not_listed",
    });
    expect(await standing(messaging, "cid", message)).toMatchObject({ membership: "joined_later" });
  });

  test("is not known of a row that was left before stays were kept", async () => {
    const messaging = await opened(["ann", "ben"]);
    const message = await sent(messaging, GROUP);
    await remove(messaging, "ben");
    const row = messaging.conversations.durable("ben", GROUP)!;
    const { stays: _, ...old } = row;
    const batch = createBatch(shardOfUser("ben"));
    put(batch, conversationTable, { uid: "ben", channel: GROUP }, old);
    await messaging.done(messaging.store.committed(batch));
    expect(await standing(messaging, "ben", message)).toMatchObject({ membership: "unknown", listing: "left" });
  });
});

describe("the list and the marks", () => {
  test("a chat that was deleted hides what came before, and shows what comes then", async () => {
    const messaging = await opened(["ann", "ben"]);
    const before = await sent(messaging, GROUP);
    await messaging.done(messaging.chatList.delete("ben", GROUP));
    const after = await sent(messaging, GROUP);
    expect(await standing(messaging, "ben", before)).toMatchObject({ listing: "deleted", deletedToSeq: 1 });
    expect(await standing(messaging, "ben", after)).toMatchObject({ listing: "shown", unread: 1 });
  });

  test("reading moves the mark, an own message only what is counted", async () => {
    const messaging = await opened(["ann", "ben"]);
    const message = await sent(messaging, GROUP);
    await messaging.done(messaging.chatList.clearUnread("ben", GROUP));
    expect(await standing(messaging, "ben", message)).toMatchObject({ readToSeq: 1, countedFromSeq: 1, unread: 0 });
    expect(await standing(messaging, "ann", message)).toMatchObject({ readToSeq: 0, countedFromSeq: 1, unread: 0 });
  });
});

describe("a message by its number", () => {
  test("is found in the log that is meant, or in both, by its sender or without", async () => {
    const messaging = await opened(["ann", "ben"]);
    const standings = standingsOf(messaging);
    const { clientMsgNo, id } = await sent(messaging, GROUP, MessageFlag.syncOnce);
    const find = (log: "chat" | undefined, senders: readonly string[]) =>
      messaging.done(standings.byNumber(GROUP, log, clientMsgNo, senders));
    expect(await find(undefined, ["ben", "ann"])).toMatchObject({ id });
    expect(await find(undefined, [])).toMatchObject({ id });
    expect(await find("chat", ["ann"])).toBeUndefined();
    expect(await find(undefined, ["ben"])).toBeUndefined();
  });
});
