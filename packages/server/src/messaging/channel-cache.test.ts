import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { memberTable } from "../store/tables.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import { EMPTY_HEAD } from "./message.ts";
import { Messaging, requestOf } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const CHAT = { type: 1, id: "ann@ben" } as const;

/** A group with a message that is on disk and not loaded. */
async function unloaded(simulation?: Simulation): Promise<Messaging> {
  const messaging = await Messaging.open({}, simulation);
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  await messaging.send("ann", GROUP);
  return messaging.restarted();
}

describe("loading a channel", () => {
  test("needs no wait where no list has to be read", async () => {
    const messaging = await Messaging.open();
    await messaging.send("ann", { type: 1, id: "ben" });
    const next = await messaging.restarted();
    const channel = next.channels.load(CHAT);
    expect(channel).not.toBeInstanceOf(Promise);
    expect(channel).toMatchObject({
      chat: { decided: { seq: 1 }, durable: { seq: 1 } },
      command: { decided: EMPTY_HEAD },
    });
    expect(next.channels.load(CHAT)).toBe(channel);
  });

  test("twice at the same time is one load of one object", async () => {
    const messaging = await unloaded();
    const [one, other] = [messaging.channels.load(GROUP), messaging.channels.load(GROUP)];
    expect(one).toBeInstanceOf(Promise);
    expect(messaging.channels.peek(GROUP)).toBeUndefined();
    const channel = await messaging.done(Promise.resolve(one));
    expect(await messaging.done(Promise.resolve(other))).toBe(channel);
    expect(messaging.channels.load(GROUP)).toBe(channel);
    expect([...channel.members.durable()].sort()).toEqual(["ann", "ben"]);
  });

  test("that fails can be repeated", async () => {
    const messaging = await unloaded();
    messaging.faults.rangesFailIn = memberTable;
    await expect(messaging.done(messaging.channels.loadPinned(GROUP))).rejects.toBeInstanceOf(StoreUnavailable);
    messaging.faults.rangesFailIn = undefined;
    expect((await messaging.done(messaging.channels.loadPinned(GROUP))).pins).toBe(1);
  });

  test("that began before a failed write ends with an object that is not kept: it may be of the past", async () => {
    // The read takes longer than the write that fails, and less than the store needs to be opened again.
    let tried = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const messaging = await unloaded(createSimulatedWorld({ seed, readDelayMs: 8, writeDelayMs: 0.1 }));
      const loading = Promise.resolve(messaging.channels.load(GROUP));
      let isLoaded = false;
      void loading.then(() => {
        isLoaded = true;
      });
      messaging.simulation.failEngines();
      messaging.sender.send([requestOf("eve", { type: 1, id: "dan" })], { answered: () => undefined });
      await messaging.simulation.until(() => messaging.store.epoch === 1);
      if (isLoaded) continue;
      tried++;
      const channel = await messaging.done(loading);
      expect(messaging.store.state).toBe("reopening");
      expect(messaging.channels.peek(GROUP)).not.toBe(channel);
    }
    expect(tried).toBeGreaterThan(0);
  });
});

describe("a durable head", () => {
  test("is the same whether the channel is loaded or not, and never runs ahead", async () => {
    const messaging = await unloaded();
    const fromDisk = messaging.channels.durableHead(GROUP, "chat");
    expect(fromDisk).toMatchObject({ seq: 1, counted: 1, firstSeq: 1 });
    const channel = await messaging.done(messaging.channels.loadPinned(GROUP));
    expect(messaging.channels.durableHead(GROUP, "chat")).toEqual(fromDisk);
    let answered = 0;
    messaging.sender.send([requestOf("ann", GROUP)], { answered: () => void answered++ });
    expect([channel.chat.decided.seq, messaging.channels.durableHead(GROUP, "chat").seq]).toEqual([2, 1]);
    await messaging.simulation.until(() => answered === 1);
    expect(messaging.channels.durableHead(GROUP, "chat").seq).toBe(2);
  });

  test("of a channel that nobody ever wrote to is empty", async () => {
    const messaging = await Messaging.open();
    expect(messaging.channels.durableHead(GROUP, "chat")).toEqual(EMPTY_HEAD);
    expect(messaging.channels.peek(GROUP)).toBeUndefined();
  });
});

test("nobody's record is kept for people who have none, and one that is being made is seen at once", async () => {
  const messaging = await Messaging.open();
  const { channels, admin } = messaging;
  const record = { type: 1, id: "ben" };
  expect((await messaging.send("ann", record)).reason).toBe(Reason.success);
  expect(channels.peek(record)).toBeUndefined();
  const adding = admin.addToList(record, "deny", ["ann"]);
  // Decided, and not durable yet.
  await Promise.resolve();
  expect((await messaging.send("ann", record)).reason).toBe(Reason.inBlacklist);
  await messaging.done(adding);
  expect((await messaging.send("ann", record)).reason).toBe(Reason.inBlacklist);
});
