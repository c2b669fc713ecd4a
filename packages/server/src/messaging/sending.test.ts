/** Sends when something goes wrong around them: reads that fail, lists that come in parts. */
import { personChannelId, Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { createBatch, put, remove } from "../store/batch.ts";
import { shardOfChannel, shardOfUser } from "../store/shards.ts";
import { conversationTable, denyTable, headTable, memberTable, receiptTable } from "../store/tables.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { MessageFlag, NO_ID } from "./message.ts";
import { Messaging } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const BEN = { type: 1, id: "ben" } as const;
const ofAnUnknownVersion: typeof receiptTable = { ...receiptTable, encode: () => Uint8Array.of(9) };

describe("a send whose reads fail", () => {
  test("leaves nothing behind that makes the next message unfindable", async () => {
    const messaging = await Messaging.open();
    await messaging.send("ann", BEN);
    const row = { uid: "ben", channel: { type: 1, id: personChannelId("ann", "ben") } };
    const batch = createBatch(shardOfUser("ben"));
    remove(batch, conversationTable, row);
    await messaging.done(messaging.store.committed(batch));
    await messaging.reset();
    messaging.faults.getsFailIn = conversationTable;
    expect((await messaging.send("ann", BEN)).reason).toBe(Reason.systemError);
    messaging.faults.getsFailIn = undefined;
    expect((await messaging.send("ann", BEN)).reason).toBe(Reason.success);
    expect(await messaging.chatsOf("ben")).toEqual(["ann"]);
  });

  test("does not keep a channel in memory when another one of the same send cannot be loaded", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
    await messaging.done(messaging.admin.addToList({ type: 1, id: "ann" }, "deny", ["eve"]));
    await messaging.reset();
    messaging.faults.rangesFailIn = memberTable;
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.systemError);
    await messaging.simulation.run(1000);
    expect(messaging.channels.peek({ type: 1, id: "ann" })?.pins).toBe(0);
    messaging.faults.rangesFailIn = denyTable;
    await messaging.reset();
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.systemError);
    await messaging.simulation.run(1000);
    expect(messaging.channels.peek(GROUP)?.pins).toBe(0);
  });

  test("is answered, and so is what the same session sends behind it, whatever the failure is", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
    await messaging.send("ann", GROUP, { clientMsgNo: "first" });
    const key = { channel: GROUP, log: "chat", fromUid: "ann", clientMsgNo: "first" } as const;
    const batch = createBatch(shardOfChannel(GROUP));
    put(batch, ofAnUnknownVersion, key, { id: NO_ID, seq: 1, payloadHash: new Uint8Array() });
    await messaging.done(messaging.store.committed(batch));
    await messaging.reset();
    const first = messaging.send("ann", GROUP, { clientMsgNo: "first" });
    const second = messaging.send("ann", GROUP);
    expect((await first).reason).toBe(Reason.systemError);
    expect(await second).toMatchObject({ reason: Reason.success, seq: 2 });
    expect(messaging.failures).toHaveLength(1);
  });
});

test("a member list that is read in parts is whole", async () => {
  const messaging = await Messaging.open();
  const members = ["ann", "ben", "cat", "dan", "eva"];
  await messaging.done(messaging.admin.addMembers(GROUP, members, { reset: false }));
  await messaging.reset();
  messaging.faults.rangeEntriesMax = 2;
  for (const uid of members) expect((await messaging.send(uid, GROUP)).reason).toBe(Reason.success);
});

test("a message whose seq the sender cannot be told is refused with 29 and leaves no trace", async () => {
  const messaging = await Messaging.open();
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  const seqMax = 0xffff_ffff;
  const batch = createBatch(shardOfChannel(GROUP));
  const head = {
    seq: seqMax - 1,
    counted: 0,
    timeSeconds: 0,
    lastId: NO_ID,
    firstSeq: seqMax,
    removals: 0,
    rowsSeenIn: 0,
    lastSent: [],
  };
  put(batch, headTable, { channel: GROUP, log: "chat" }, head);
  await messaging.done(messaging.store.committed(batch));
  await messaging.reset();
  expect(await messaging.send("ann", GROUP, { seqMax })).toMatchObject({ reason: Reason.success, seq: seqMax });
  expect(await messaging.send("ann", GROUP, { seqMax })).toMatchObject({ reason: Reason.messageSeqExhausted, seq: 0 });
  expect(await messaging.send("ann", GROUP)).toMatchObject({ reason: Reason.success, seq: seqMax + 1 });
  const unkept = { seqMax, flags: MessageFlag.noPersist };
  expect(await messaging.send("ann", GROUP, unkept)).toMatchObject({ reason: Reason.success, seq: 0 });
});

describe("a write that has failed", () => {
  test("has what it left on disk announced when the store is open again, before anything that follows", async () => {
    let left = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const messaging = await Messaging.open({}, createSimulatedWorld({ seed }));
      await messaging.send("ann", BEN);
      messaging.simulation.failNextWrite();
      expect((await messaging.send("ann", BEN)).reason).toBe(Reason.systemError);
      await messaging.recovered();
      await messaging.send("ann", BEN);
      const stored = await messaging.stored({ type: 1, id: personChannelId("ann", "ben") });
      left += stored.length - 2;
      expect(messaging.announced.map((each) => each.seq)).toEqual(stored.map((each) => each.seq));
      expect(messaging.announced.map((each) => each.id)).toEqual(stored.map((each) => each.id));
    }
    expect(left).toBeGreaterThan(0);
  });
});
