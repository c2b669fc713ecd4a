/** Flags and the two lists of a channel: they never touch who belongs to it. */
import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { StoreUnavailable } from "../store/commit-failure.ts";
import type { ChannelFlags, ChannelListName } from "./channels.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const FLAGS: ChannelFlags = { ban: false, disband: false, sendBan: false, large: false, allowStranger: false };

async function opened(): Promise<Messaging> {
  const messaging = await Messaging.open();
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  return messaging;
}
async function uidsOf(messaging: Messaging, list: ChannelListName): Promise<readonly string[]> {
  return (await messaging.done(messaging.admin.list(GROUP, list))).map((each) => each.uid);
}

describe("a deny or allow list", () => {
  test("H-24: muting a member takes his right to send, nothing else", async () => {
    const messaging = await opened();
    await messaging.send("ann", GROUP);
    const row = messaging.conversations.durable("ben", GROUP);
    await messaging.done(messaging.admin.addToList(GROUP, "deny", ["ben"]));
    expect((await messaging.send("ben", GROUP)).reason).toBe(Reason.inBlacklist);
    await messaging.send("ann", GROUP);
    expect(messaging.conversations.durable("ben", GROUP)).toEqual(row);
    expect(await messaging.viewsOf("ben")).toMatchObject([{ unread: 2 }]);
    await messaging.done(messaging.admin.removeFromList(GROUP, "deny", ["ben", "nobody"]));
    expect((await messaging.send("ben", GROUP)).reason).toBe(Reason.success);
    expect(messaging.conversations.durable("ben", GROUP)).toEqual(row);
  });

  test("gives no row to those on it who are no members", async () => {
    const messaging = await opened();
    await messaging.done(messaging.admin.setList(GROUP, "allow", ["cat"]));
    await messaging.done(messaging.admin.setList(GROUP, "deny", ["dan"]));
    for (const uid of ["cat", "dan"]) expect(messaging.conversations.durable(uid, GROUP)).toBeUndefined();
    expect(await uidsOf(messaging, "members")).toEqual(["ann", "ben"]);
  });

  test("is replaced by a new one, and cleared by an empty one", async () => {
    const messaging = await opened();
    await messaging.done(messaging.admin.setList(GROUP, "allow", ["x", "ann", "x"]));
    expect(await uidsOf(messaging, "allow")).toEqual(["ann", "x"]);
    expect((await messaging.send("ben", GROUP)).reason).toBe(Reason.notInWhitelist);
    await messaging.done(messaging.admin.setList(GROUP, "allow", ["ben", "x"]));
    expect(await uidsOf(messaging, "allow")).toEqual(["ben", "x"]);
    await messaging.done(messaging.admin.setList(GROUP, "allow", []));
    expect(await uidsOf(messaging, "allow")).toEqual([]);
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.success);
  });

  test("keeps since when a name is on it when it is named again", async () => {
    const messaging = await opened();
    await messaging.done(messaging.admin.addToList(GROUP, "deny", ["x"]));
    const before = await messaging.done(messaging.admin.list(GROUP, "deny"));
    await messaging.simulation.run(10_000);
    await messaging.done(messaging.admin.addToList(GROUP, "deny", ["x", "x"]));
    await messaging.done(messaging.admin.setList(GROUP, "deny", ["x"]));
    expect(await messaging.done(messaging.admin.list(GROUP, "deny"))).toEqual(before);
  });

  test("of 2,500 names is there whole after a restart", async () => {
    const messaging = await opened();
    const uids = Array.from({ length: 2500 }, (_, index) => `denied-${`${index}`.padStart(5, "0")}`);
    await messaging.done(messaging.admin.addToList(GROUP, "deny", [...uids, "ben"]));
    const next = await messaging.restarted();
    expect(await uidsOf(next, "deny")).toEqual(["ben", ...uids]);
    expect((await next.send("ben", GROUP)).reason).toBe(Reason.inBlacklist);
    expect((await next.send("ann", GROUP)).reason).toBe(Reason.success);
  });

  test("does not make a channel out of nothing", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addToList(GROUP, "deny", ["ann"]));
    expect(messaging.admin.flags(GROUP)).toBeUndefined();
    await messaging.done(messaging.admin.disband(GROUP));
    expect(messaging.admin.flags(GROUP)).toBeUndefined();
    const next = await messaging.restarted();
    expect(await uidsOf(next, "deny")).toEqual(["ann"]);
  });
});

describe("flags", () => {
  test("are overwritten all at once, and leave the lists alone", async () => {
    const messaging = await opened();
    await messaging.done(messaging.admin.setFlags(GROUP, { ...FLAGS, ban: true, large: true }));
    expect(messaging.admin.flags(GROUP)).toMatchObject({ ban: true, large: true, disband: false });
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.ban);
    await messaging.done(messaging.admin.setFlags(GROUP, FLAGS));
    expect(messaging.admin.flags(GROUP)).toMatchObject(FLAGS);
    const next = await messaging.restarted();
    expect((await next.send("ann", GROUP)).reason).toBe(Reason.success);
    expect(await uidsOf(next, "members")).toEqual(["ann", "ben"]);
  });

  test("disband ends sending and keeps members, rows and history", async () => {
    const messaging = await opened();
    await messaging.send("ann", GROUP);
    await messaging.done(messaging.admin.disband(GROUP));
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.disband);
    expect(await uidsOf(messaging, "members")).toEqual(["ann", "ben"]);
    expect(await messaging.chatsOf("ben")).toEqual(["team"]);
  });

  test("of another member or list change are not lost", async () => {
    const messaging = await opened();
    await messaging.done(
      Promise.all([
        messaging.admin.setFlags(GROUP, { ...FLAGS, large: true }),
        messaging.admin.addMembers(GROUP, ["cat"], { reset: false }),
        messaging.admin.addToList(GROUP, "deny", ["ben"]),
      ]),
    );
    const next = await messaging.restarted();
    expect(next.admin.flags(GROUP)).toMatchObject({ large: true });
    expect(await uidsOf(next, "members")).toEqual(["ann", "ben", "cat"]);
    expect((await next.send("ben", GROUP)).reason).toBe(Reason.inBlacklist);
  });

  test("cannot be changed while the store is read-only, and are as they were", async () => {
    const messaging = await opened();
    messaging.simulation.setDiskFull(true);
    await messaging.send("ann", GROUP);
    const changing = messaging.done(messaging.admin.setFlags(GROUP, { ...FLAGS, ban: true }));
    await expect(changing).rejects.toBeInstanceOf(StoreUnavailable);
    expect(messaging.admin.flags(GROUP)).toMatchObject(FLAGS);
    messaging.simulation.setDiskFull(false);
    await messaging.recovered();
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.success);
  });
});
