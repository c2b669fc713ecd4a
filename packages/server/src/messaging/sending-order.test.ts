/** In which order sends are decided, and what a refused one leaves behind: nothing. */
import { Reason } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { createBatch, remove } from "../store/batch.ts";
import { shardOfUser } from "../store/shards.ts";
import { conversationTable } from "../store/tables.ts";
import { compareIds } from "./ids.ts";
import { EMPTY_HEAD, MessageFlag, type MessageId } from "./message.ts";
import type { SendRequest, SendResult } from "./send.ts";
import { Messaging, type MessagingOptions, requestOf } from "./test-kit.ts";

const GROUP = { type: 2, id: "team" } as const;
const BEN = { type: 1, id: "ben" } as const;
const CHAT = { type: 1, id: "ann@ben" } as const;

/** A group that is on disk and not loaded: its first send waits for the list of members. */
async function withUnloadedGroup(options: MessagingOptions = {}): Promise<Messaging> {
  const messaging = await Messaging.open(options);
  await messaging.done(messaging.admin.addMembers(GROUP, ["ann", "ben"], { reset: false }));
  return messaging.restarted();
}

describe("what one session sends", () => {
  test("while a group is loaded for it is decided behind that, in the order it was sent", async () => {
    const messaging = await withUnloadedGroup();
    const answers: { readonly name: string; readonly result: SendResult }[] = [];
    const send = (name: string, request: SendRequest): void =>
      messaging.sender.send([request], { answered: (_, result) => void answers.push({ name, result }) });
    send("1: group", requestOf("ann", GROUP, { session: 1 }));
    send("2: person", requestOf("ann", BEN, { session: 1 }));
    send("3: no such channel", requestOf("ann", { type: 1, id: "a@b" }, { session: 1 }));
    send("4: group", requestOf("ann", GROUP, { session: 1 }));
    send("another session's", requestOf("ben", { type: 1, id: "ann" }, { session: 2 }));
    await messaging.simulation.until(() => answers.length === 5);
    const own = answers.filter((each) => each.name !== "another session's");
    // Refusals are told at once, acknowledgements with their commit; ids show the order of decisions.
    const decided = own.toSorted((a, b) => compareIds(a.result.id, b.result.id)).map((each) => each.name);
    expect(decided).toEqual(["1: group", "2: person", "3: no such channel", "4: group"]);
    const overtaking = answers.find((each) => each.name === "another session's")!;
    for (const each of own) expect(compareIds(overtaking.result.id, each.result.id)).toBeLessThan(0);
    expect(await messaging.stored(GROUP)).toHaveLength(2);
  });

  test("to two groups that are both not loaded keeps its order in each", async () => {
    const messaging = await Messaging.open();
    const groups = Array.from({ length: 6 }, (_, index) => ({ type: 2, id: `g${index}` }));
    for (const group of groups) await messaging.done(messaging.admin.addMembers(group, ["ann"], { reset: false }));
    const next = await messaging.restarted();
    let answered = 0;
    for (let time = 0; time < 30; time++) {
      const topic = `${time}`;
      next.sender.send([requestOf("ann", groups[time % 6]!, { topic })], { answered: () => void answered++ });
    }
    await next.simulation.until(() => answered === 30);
    const ids: MessageId[] = [];
    for (const [index, group] of groups.entries()) {
      const stored = await next.stored(group);
      expect(stored.map((each) => each.topic)).toEqual([0, 6, 12, 18, 24].map((first) => `${first + index}`));
      ids.push(...stored.map((each) => each.id));
    }
    expect(new Set(ids.map((id) => `${id.high}/${id.low}`)).size).toBe(30);
  });

  test("goes on after a group that could not be loaded because the store failed meanwhile", async () => {
    const messaging = await withUnloadedGroup();
    const reasons: number[] = [];
    const sink = { answered: (_: SendRequest, result: SendResult) => void reasons.push(result.reason) };
    messaging.simulation.failNextWrite();
    messaging.sender.send([requestOf("eve", BEN, { session: 9 })], sink);
    messaging.sender.send([requestOf("ann", GROUP)], sink);
    messaging.sender.send([requestOf("ann", BEN)], sink);
    await messaging.simulation.until(() => reasons.length === 3);
    await messaging.recovered();
    expect((await messaging.send("ann", GROUP)).reason).toBe(Reason.success);
  });
});

describe("a log", () => {
  test("has dense seqs, growing ids and times that never go back, however the clock is set", async () => {
    const messaging = await Messaging.open();
    for (let time = 0; time < 10; time++) {
      await messaging.send(time % 2 === 0 ? "ann" : "ben", time % 2 === 0 ? BEN : { type: 1, id: "ann" });
      messaging.simulation.stepWallClock(time % 3 === 0 ? -3_600_000 : 10_000);
    }
    const stored = await messaging.stored(CHAT);
    expect(stored.map((each) => each.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (let index = 1; index < stored.length; index++) {
      expect(compareIds(stored[index]!.id, stored[index - 1]!.id)).toBeGreaterThan(0);
      expect(stored[index]!.timeSeconds).toBeGreaterThanOrEqual(stored[index - 1]!.timeSeconds);
    }
  });

  test("is the same when every message is a batch of its own", async () => {
    const messaging = await Messaging.open({ batchBytesMax: 1 });
    await messaging.sendAll(
      Array.from({ length: 20 }, (_, index) =>
        requestOf(index % 2 === 0 ? "ann" : "ben", index % 2 === 0 ? BEN : { type: 1, id: "ann" }),
      ),
    );
    const next = await messaging.restarted();
    expect((await next.stored(CHAT)).map((each) => each.seq)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(next.history.head(CHAT, "chat")).toMatchObject({ seq: 20, counted: 20, firstSeq: 1 });
    expect((await next.viewsOf("ann"))[0]).toMatchObject({ unread: 1, lastSeq: 20 });
    expect((await next.viewsOf("ben"))[0]).toMatchObject({ unread: 0, lastSeq: 20 });
  });

  test("of commands has seqs of its own and is not counted", async () => {
    const messaging = await Messaging.open();
    await messaging.send("ann", BEN);
    await messaging.send("ann", BEN, { flags: MessageFlag.syncOnce | MessageFlag.redDot });
    await messaging.send("ann", { type: 1, id: "ben____cmd" });
    await messaging.send("ann", BEN, { flags: 0 });
    expect(messaging.history.head(CHAT, "chat")).toMatchObject({ seq: 2, counted: 1 });
    expect(messaging.history.head(CHAT, "command")).toMatchObject({ seq: 2, counted: 0 });
    expect((await messaging.viewsOf("ben"))[0]).toMatchObject({ unread: 1, lastSeq: 2 });
  });
});

describe("the rows of those whom the id implies", () => {
  test("are written again before the next message if they are missing, whatever its seq is", async () => {
    const messaging = await Messaging.open();
    await messaging.send("ann", BEN);
    const batch = createBatch(shardOfUser("ben"));
    remove(batch, conversationTable, { uid: "ben", channel: CHAT });
    await messaging.done(messaging.store.committed(batch));
    const next = await messaging.restarted();
    expect(await next.chatsOf("ben")).toEqual([]);
    await next.send("ann", BEN);
    expect(await next.chatsOf("ben")).toEqual(["ann"]);
    expect((await next.viewsOf("ben"))[0]?.unread).toBe(2);
  });

  test("are there for both, for a visitor, for both of an agent, but not for ____system or who only sends", async () => {
    const messaging = await Messaging.open();
    const server = { origin: "server", session: 0 } as const;
    await messaging.send("ann", BEN);
    await messaging.send("____system", { type: 1, id: "cat" }, server);
    await messaging.send("shop", { type: 3, id: "vic|shop" });
    await messaging.send("dan", { type: 11, id: "bot" });
    await messaging.send("eve", { type: 6, id: "news" });
    const channelsOf = async (uid: string): Promise<readonly string[]> =>
      (await messaging.done(messaging.chatList.channelsOf(uid))).map((key) => `${key.type}/${key.id}`);
    expect(await channelsOf("ann")).toEqual(["1/ann@ben"]);
    expect(await channelsOf("ben")).toEqual(["1/ann@ben"]);
    expect(await channelsOf("cat")).toHaveLength(1);
    expect(await channelsOf("____system")).toEqual([]);
    expect(await channelsOf("vic")).toEqual(["3/vic|shop"]);
    expect(await channelsOf("shop")).toEqual([]);
    expect(await channelsOf("dan")).toEqual(["11/dan@bot"]);
    expect(await channelsOf("bot")).toEqual(["11/dan@bot"]);
    expect(await channelsOf("eve")).toEqual([]);
  });
});

describe("a refused send", () => {
  async function expectNoTrace(messaging: Messaging, request: SendRequest, reason: number): Promise<void> {
    const before = await messaging.keys();
    const [result] = await messaging.sendAll([request]);
    expect(result).toMatchObject({ reason, seq: 0, repeated: false });
    await messaging.simulation.run(100);
    expect(await messaging.keys()).toEqual(before);
    expect(messaging.announced).toEqual([]);
    expect(messaging.delivered).toEqual([]);
    const loaded = messaging.channels.peek(request.addressedTo) ?? messaging.channels.peek(CHAT);
    if (loaded !== undefined) {
      expect([loaded.chat.decided, loaded.command.decided]).toEqual([EMPTY_HEAD, EMPTY_HEAD]);
      expect([loaded.chat.inFlight?.size ?? 0, loaded.pins]).toEqual([0, 0]);
    }
  }

  test.each([
    ["by somebody who is no member", { addressedTo: GROUP }, Reason.subscriberNotExist],
    ["to a person with @ in the uid", { addressedTo: { type: 1, id: "a@b" } }, Reason.channelIdError],
    ["to nobody", { addressedTo: { type: 1, id: "" } }, Reason.channelIdError],
    ["to a uid that is too long", { addressedTo: { type: 1, id: "x".repeat(256) } }, Reason.channelIdError],
    ["to a channel id that is too long", { addressedTo: { type: 6, id: "x".repeat(513) } }, Reason.channelIdError],
    ["to an agent chat without a user", { addressedTo: { type: 11, id: "@bot" } }, Reason.channelIdError],
    ["with a number that is too long", { clientMsgNo: "é".repeat(128) }, Reason.systemError],
    ["with a topic that is too long", { topic: "x".repeat(32_768) }, Reason.systemError],
    ["with a payload that is too large", { payload: new Uint8Array((1 << 20) + 1) }, Reason.systemError],
    ["from a uid that nobody can have", { fromUid: "a@b" }, Reason.channelIdError],
  ] satisfies readonly (readonly [string, Partial<SendRequest>, number])[])(
    "%s leaves no trace",
    async (_, more, reason) => {
      const messaging = await Messaging.open();
      await expectNoTrace(messaging, requestOf("ann", BEN, { clientMsgNo: "n1", ...more }), reason);
    },
  );

  test("while delivery is behind leaves no trace, also when it is not to be persisted", async () => {
    let isFull = true;
    const messaging = await Messaging.open({ isDeliveryFull: () => isFull });
    await expectNoTrace(messaging, requestOf("ann", BEN, { clientMsgNo: "n1" }), Reason.rateLimit);
    await expectNoTrace(messaging, requestOf("ann", BEN, { flags: MessageFlag.noPersist }), Reason.rateLimit);
    isFull = false;
    expect(await messaging.send("ann", BEN, { clientMsgNo: "n1" })).toMatchObject({ reason: Reason.success, seq: 1 });
  });

  test("while the queue of writes is full is told so, and the next one follows without a gap", async () => {
    const messaging = await Messaging.open({ queueBatchesMax: 1 });
    const reasons: number[] = [];
    const sink = { answered: (_: SendRequest, result: SendResult) => void reasons.push(result.reason) };
    messaging.sender.send([requestOf("ann", BEN)], sink);
    messaging.sender.send([requestOf("ann", BEN, { clientMsgNo: "n1" })], sink);
    expect(reasons).toEqual([Reason.rateLimit]);
    await messaging.simulation.until(() => reasons.length === 2);
    expect(reasons).toEqual([Reason.rateLimit, Reason.success]);
    expect(await messaging.send("ann", BEN, { clientMsgNo: "n1" })).toMatchObject({ seq: 2, repeated: false });
  });

  test("while the store is read-only leaves no trace, and what passes through memory still goes", async () => {
    const messaging = await Messaging.open();
    await messaging.reset();
    messaging.simulation.setDiskFull(true);
    await messaging.send("eve", { type: 1, id: "eve2" });
    expect(messaging.store.state).toBe("reopening");
    messaging.announced.length = 0;
    await expectNoTrace(messaging, requestOf("ann", BEN, { clientMsgNo: "n1" }), Reason.systemError);
    const passing = { flags: MessageFlag.noPersist };
    expect(await messaging.send("ann", BEN, passing)).toMatchObject({ reason: Reason.success, seq: 0 });
    messaging.simulation.setDiskFull(false);
    await messaging.recovered();
    expect(await messaging.send("ann", BEN, { clientMsgNo: "n1" })).toMatchObject({ reason: Reason.success, seq: 1 });
  });
});
