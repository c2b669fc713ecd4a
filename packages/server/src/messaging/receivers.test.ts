import { describe, expect, test } from "vitest";
import { type ChannelKey, NO_ID, type StoredMessage } from "./message.ts";
import { ChannelReceivers, type ReceiverSet } from "./receivers.ts";
import { Messaging } from "./test-kit.ts";

function message(channel: ChannelKey, more: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: NO_ID,
    seq: 1,
    countedTotal: 0,
    timeSeconds: 0,
    channel,
    log: "chat",
    fromUid: "ann",
    clientMsgNo: "",
    session: 0,
    flags: 0,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: new Uint8Array(0),
    ...more,
  };
}
const GROUP = { type: 2, id: "team" } as const;

async function opened(key: ChannelKey, members: readonly string[]): Promise<Messaging> {
  const messaging = await Messaging.open();
  await messaging.done(messaging.admin.addMembers(key, members, { reset: false }));
  return messaging;
}
async function setOf(messaging: Messaging, of: StoredMessage): Promise<ReceiverSet> {
  const set = new ChannelReceivers(messaging.channels).of(of);
  return set instanceof Promise ? messaging.done(set) : set;
}
async function uidsOf(messaging: Messaging, of: StoredMessage): Promise<readonly string[]> {
  const set = await setOf(messaging, of);
  const uids = [...set.uids].sort();
  set.release();
  return uids;
}

describe("a message is for", () => {
  test("both halves of a person or agent channel, and once for oneself", async () => {
    const messaging = await Messaging.open();
    expect(await uidsOf(messaging, message({ type: 1, id: "ann@ben" }))).toEqual(["ann", "ben"]);
    expect(await uidsOf(messaging, message({ type: 1, id: "ann@ann" }))).toEqual(["ann"]);
    expect(await uidsOf(messaging, message({ type: 11, id: "ann@bot" }))).toEqual(["ann", "bot"]);
  });

  test("the members of a group, of its command log too, those who may not send included", async () => {
    const messaging = await opened(GROUP, ["ann", "ben"]);
    await messaging.done(messaging.admin.addToList(GROUP, "deny", ["ben"]));
    expect(await uidsOf(messaging, message(GROUP))).toEqual(["ann", "ben"]);
    expect(await uidsOf(messaging, message(GROUP, { log: "command" }))).toEqual(["ann", "ben"]);
  });

  test("the members and the visitor of a customer-service channel, each once", async () => {
    const shop = { type: 3, id: "vic|shop" };
    const messaging = await opened(shop, ["ann", "vic"]);
    expect(await uidsOf(messaging, message(shop))).toEqual(["ann", "vic"]);
    const visitors = { type: 10, id: "vic" };
    await messaging.done(messaging.admin.addMembers(visitors, ["ann"], { reset: false }));
    expect(await uidsOf(messaging, message(visitors))).toEqual(["ann", "vic"]);
  });

  test("those it names itself, and nobody else", async () => {
    const messaging = await opened(GROUP, ["ann", "ben"]);
    expect(await uidsOf(messaging, message(GROUP, { receivers: ["cat"] }))).toEqual(["cat"]);
  });
});

describe("the members", () => {
  test("are read when the group is not loaded, and the group may be evicted again afterwards", async () => {
    const messaging = await (await opened(GROUP, ["ann", "ben"])).restarted();
    const set = await setOf(messaging, message(GROUP));
    expect([...set.uids].sort()).toEqual(["ann", "ben"]);
    expect(messaging.channels.peek(GROUP)?.pins).toBe(1);
    set.release();
    expect(messaging.channels.peek(GROUP)?.pins).toBe(0);
  });

  test("are those who are durably so: not who is being added, and until it is durable who is being removed", async () => {
    const messaging = await opened(GROUP, ["ann", "ben"]);
    const changes = Promise.all([
      messaging.admin.addMembers(GROUP, ["cat"], { reset: false }),
      messaging.admin.removeMembers(GROUP, ["ben"]),
    ]);
    expect(await uidsOf(messaging, message(GROUP))).toEqual(["ann", "ben"]);
    await messaging.done(changes);
    expect(await uidsOf(messaging, message(GROUP))).toEqual(["ann", "cat"]);
  });

  test("who is removed while they are walked is not visited any more", async () => {
    const messaging = await opened(GROUP, ["ann", "ben", "cat"]);
    const set = await setOf(messaging, message(GROUP));
    const visited: string[] = [];
    for (const uid of set.uids) {
      visited.push(uid);
      if (visited.length === 1) await messaging.done(messaging.admin.removeMembers(GROUP, ["ben", "cat", "ann"]));
    }
    expect(visited).toHaveLength(1);
    set.release();
  });
});
