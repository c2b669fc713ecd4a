/** Channel administration over a store that fails in between, and what it keeps in memory. */
import { personChannelId } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { createBatch, remove } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { memberTable } from "../store/tables.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;

describe("removing a member", () => {
  test("that ended between the entry and the row is finished by repeating the call", async () => {
    let messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
    await messaging.send("ann", GROUP);
    expect(await messaging.chatsOf("ben")).toEqual(["team"]);
    // Where each shard has a log of its own, the entry's write may be the last one that came through.
    const { shard } = await messaging.done(messaging.channels.loadPinned(GROUP));
    const half = createBatch(shard);
    remove(half, memberTable, { channel: GROUP, uid: "ben" });
    await messaging.done(messaging.store.committed(half));
    messaging = await messaging.restarted();
    await messaging.done(messaging.admin.removeMembers(GROUP, ["ben"]));
    expect(await messaging.chatsOf("ben")).toEqual([]);
  });
});

test("the system account has no row, also as a member", async () => {
  const messaging = await Messaging.open();
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "____system"], { reset: false }));
  expect(messaging.conversations.durable("____system", GROUP)).toBeUndefined();
  expect(messaging.conversations.durable("ann", GROUP)).toBeDefined();
});

describe("memory", () => {
  test("a channel that grew gives all of it back when it is evicted", async () => {
    const messaging = await Messaging.open({ channelBounds: { countMax: 10, bytesMax: 100_000 } });
    const members = Array.from({ length: 200 }, (_, index) => `member-${index}`);
    for (let group = 0; group < 30; group++)
      await messaging.done(messaging.admin.addMembers({ type: 2, id: `g${group}` }, members, { reset: false }));
    for (let group = 0; group < 20; group++) await messaging.send(`a${group}`, { type: 1, id: `b${group}` });
    await messaging.send("ann", { type: 1, id: "ben" });
    // Three small objects are far below both bounds.
    expect(messaging.channels.peek({ type: 1, id: personChannelId("ann", "ben") })).toBeDefined();
  });

  test("is bounded while the store refuses every change", async () => {
    const messaging = await Messaging.open({ channelBounds: { countMax: 4, bytesMax: 1 << 20 } });
    messaging.simulation.setDiskFull(true);
    await messaging.send("ann", { type: 1, id: "ben" });
    expect(messaging.store.state).toBe("reopening");
    for (let group = 0; group < 50; group++) {
      const adding = messaging.admin.addMembers({ type: 2, id: `g${group}` }, ["ann"], { reset: false });
      await expect(messaging.done(adding)).rejects.toBeInstanceOf(StoreUnavailable);
    }
    const loaded = Array.from({ length: 50 }, (_, group) => messaging.channels.peek({ type: 2, id: `g${group}` }));
    expect(loaded.filter((channel) => channel !== undefined).length).toBeLessThanOrEqual(4);
  });
});
