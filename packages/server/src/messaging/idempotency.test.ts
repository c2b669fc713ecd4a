/** A message that is sent again with the same client number: it is stored once, whatever happens in between. */
import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { MessageFlag } from "./message.ts";
import { Messaging, requestOf } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const BEN = { type: 1, id: "ben" } as const;
const CHAT = { type: 1, id: "ann@ben" } as const;
const copy = { clientMsgNo: "n1" };
const other = { clientMsgNo: "n1", payload: Buffer.from("something else") };

describe("the same number from the same sender", () => {
  test("100 times in one batch is one message, and all get its id and seq", async () => {
    const messaging = await Messaging.open();
    const results = await messaging.sendAll(Array.from({ length: 100 }, () => requestOf("ann", BEN, copy)));
    const [first] = results;
    expect(first).toMatchObject({ reason: Reason.success, seq: 1, repeated: false });
    for (const result of results.slice(1)) expect(result).toEqual({ ...first, repeated: true });
    expect(await messaging.stored(CHAT)).toHaveLength(1);
    expect(messaging.announced).toHaveLength(1);
  });

  test("while the first one is on its way is answered when that one is durable", async () => {
    const messaging = await Messaging.open();
    const order: string[] = [];
    const sink = (name: string) => ({ answered: () => void order.push(name) });
    messaging.sender.send([requestOf("ann", BEN, copy)], sink("first"));
    messaging.sender.send([requestOf("ann", BEN, { ...copy, session: 2 })], sink("copy"));
    expect(order).toEqual([]);
    await messaging.simulation.until(() => order.length === 2);
    expect(order).toEqual(["first", "copy"]);
    expect(messaging.announced).toHaveLength(1);
  });

  test("after the first one is durable, and after a restart, gets the first answer again", async () => {
    const messaging = await Messaging.open();
    const first = await messaging.send("ann", BEN, copy);
    expect(await messaging.send("ann", BEN, copy)).toEqual({ ...first, repeated: true });
    const next = await messaging.restarted();
    expect(await next.send("ann", BEN, copy)).toEqual({ ...first, repeated: true });
    expect(await next.stored(CHAT)).toHaveLength(1);
  });

  test("gets the first answer although he may not send any more", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann"], { reset: false }));
    const first = await messaging.send("ann", GROUP, copy);
    await messaging.done(messaging.admin.removeMembers(GROUP, ["ann"]));
    expect(await messaging.send("ann", GROUP, copy)).toEqual({ ...first, repeated: true });
    expect((await messaging.send("ann", GROUP, { clientMsgNo: "n2" })).reason).toBe(Reason.subscriberNotExist);
  });

  test("with another payload is refused, both while the first one is on its way and later", async () => {
    const messaging = await Messaging.open();
    const both = await messaging.sendAll([requestOf("ann", BEN, copy), requestOf("ann", BEN, other)]);
    expect(both.map((each) => each.reason)).toEqual([Reason.success, Reason.idempotencyConflict]);
    expect(await messaging.send("ann", BEN, other)).toMatchObject({ reason: Reason.idempotencyConflict, seq: 0 });
    expect((await messaging.stored(CHAT)).map((each) => Buffer.from(each.payload).toString())).toEqual(["hello"]);
    expect((await messaging.send("ann", BEN)).seq).toBe(2);
  });

  test("is another message in another channel, in the other log, and from another sender", async () => {
    const messaging = await Messaging.open();
    const command = { ...copy, flags: MessageFlag.syncOnce };
    const results = [
      await messaging.send("ann", BEN, copy),
      await messaging.send("ann", { type: 1, id: "cat" }, copy),
      await messaging.send("ann", BEN, command),
      await messaging.send("ben", { type: 1, id: "ann" }, copy),
    ];
    expect(results.map((each) => each.repeated)).toEqual([false, false, false, false]);
    expect(results.map((each) => each.seq)).toEqual([1, 1, 1, 2]);
  });

  test("is not mixed up with another pair of sender and number that reads the same", async () => {
    const messaging = await Messaging.open();
    await messaging.done(messaging.admin.addMembers(GROUP, ["a", "ab"], { reset: false }));
    const results = await messaging.sendAll([
      requestOf("a", GROUP, { clientMsgNo: "bc" }),
      requestOf("ab", GROUP, { clientMsgNo: "c" }),
    ]);
    expect(results.map((each) => each.repeated)).toEqual([false, false]);
    expect(await messaging.stored(GROUP)).toHaveLength(2);
  });
});

describe("what makes no receipt", () => {
  test("an empty number: each message is a new one", async () => {
    const messaging = await Messaging.open();
    const results = await messaging.sendAll([requestOf("ann", BEN), requestOf("ann", BEN)]);
    expect(results.map((each) => [each.seq, each.repeated])).toEqual([
      [1, false],
      [2, false],
    ]);
  });

  test("a message that is not persisted: it goes to delivery each time, and its number stays free", async () => {
    const messaging = await Messaging.open();
    const before = await messaging.keys();
    const passing = { ...copy, flags: MessageFlag.noPersist };
    for (const result of await messaging.sendAll([requestOf("ann", BEN, passing), requestOf("ann", BEN, passing)]))
      expect(result).toMatchObject({ reason: Reason.success, seq: 0, repeated: false });
    expect(messaging.delivered.map((each) => [each.seq, each.clientMsgNo])).toEqual([
      [0, "n1"],
      [0, "n1"],
    ]);
    expect(await messaging.keys()).toEqual(before);
    expect(messaging.announced).toEqual([]);
    expect(await messaging.send("ann", BEN, other)).toMatchObject({ reason: Reason.success, seq: 1 });
  });

  test("a refused message: the same number is stored once he may send", async () => {
    const messaging = await Messaging.open();
    expect((await messaging.send("ann", GROUP, copy)).reason).toBe(Reason.subscriberNotExist);
    await messaging.done(messaging.admin.addMembers(GROUP, ["ann"], { reset: false }));
    expect(await messaging.send("ann", GROUP, copy)).toMatchObject({ reason: Reason.success, repeated: false });
  });
});

test("a number sent again after a write of unknown outcome is stored once, whichever outcome it was", async () => {
  for (let round = 0; round < 12; round++) {
    const messaging = await Messaging.open();
    for (let before = 0; before < round; before++) await messaging.send("eve", BEN);
    messaging.simulation.failNextWrite();
    const [first, waiting] = await messaging.sendAll([requestOf("ann", BEN, copy), requestOf("ann", BEN, copy)]);
    expect([first?.reason, waiting?.reason]).toEqual([Reason.systemError, Reason.systemError]);
    await messaging.recovered();
    const again = await messaging.send("ann", BEN, copy);
    expect(again).toMatchObject({ reason: Reason.success, seq: 1 });
    const stored = await messaging.stored(CHAT);
    expect(stored.map((each) => each.id)).toEqual([again.id]);
    expect(await messaging.chatsOf("ben")).toContain("ann");
  }
});
