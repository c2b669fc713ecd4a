/** A user's rows in both views: while they are read, written, settled, evicted and lost. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBatch, put } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfUser } from "../store/shards.ts";
import { conversationTable } from "../store/tables.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import type { Conversation } from "./conversation.ts";
import { type ChannelKey, NO_ID, ORIGIN } from "./message.ts";
import { Messaging, type MessagingOptions } from "./test-kit.ts";

const SMALL: MessagingOptions = { conversationBounds: { countMax: 1, bytesMax: 1 << 20 } };

function channel(index: number): ChannelKey {
  return { type: 2, id: `g${index}` };
}
function row(of: ChannelKey, markedUnread = 0): Conversation {
  return {
    channel: of,
    membership: "member",
    join: ORIGIN,
    read: ORIGIN,
    deletedTo: ORIGIN,
    markedUnread,
    commandSeq: 0,
    commandEnd: null,
    changed: NO_ID,
  };
}

/** Decides a row and hands it to the store; resolves when it is durable. */
function write(messaging: Messaging, uid: string, to: Conversation): Promise<void> {
  const { store, conversations } = messaging;
  const batch = createBatch(shardOfUser(uid));
  const known = conversations.decided(uid, to.channel);
  const written = conversations.decide(batch, uid, known, to);
  return new Promise((resolve, reject) =>
    store.commit(batch, (failure) => {
      if (failure !== null) reject(new StoreUnavailable(failure));
      else {
        conversations.settle(written);
        resolve();
      }
    }),
  );
}

/** What a list shows: the durable side. */
async function listOf(messaging: Messaging, uid: string): Promise<readonly Conversation[]> {
  const all = await messaging.done(messaging.conversations.all(uid));
  const rows = [...all.entries].flatMap((entry) => entry.durable ?? []);
  all.release();
  return rows.toSorted((a, b) => (a.channel.id < b.channel.id ? -1 : 1));
}

describe("a row", () => {
  test("is seen by the next decision at once and by readers when it is durable", async () => {
    const messaging = await Messaging.open();
    const writing = write(messaging, "ann", row(channel(1), 5));
    expect(messaging.conversations.decided("ann", channel(1))?.markedUnread).toBe(5);
    expect(messaging.conversations.durable("ann", channel(1))).toBeUndefined();
    await messaging.done(writing);
    expect(messaging.conversations.durable("ann", channel(1))?.markedUnread).toBe(5);
  });

  test("shows the one that is durable while two more are on their way", async () => {
    const messaging = await Messaging.open({ writeBytesMax: 1 });
    await messaging.done(write(messaging, "ann", row(channel(1), 1)));
    const [second, third] = [2, 3].map((marked) => write(messaging, "ann", row(channel(1), marked)));
    const seen = (): (number | undefined)[] => [
      messaging.conversations.durable("ann", channel(1))?.markedUnread,
      messaging.conversations.decided("ann", channel(1))?.markedUnread,
    ];
    expect(seen()).toEqual([1, 3]);
    await messaging.done(second!);
    expect(seen()).toEqual([2, 3]);
    await messaging.done(third!);
    expect(seen()).toEqual([3, 3]);
  });

  test("of a user whose list nobody asked for is not kept once it is durable: the disk knows it", async () => {
    const messaging = await Messaging.open();
    await messaging.done(write(messaging, "ann", row(channel(1), 1)));
    const batch = createBatch(shardOfUser("ann"));
    put(batch, conversationTable, { uid: "ann", channel: channel(1) }, row(channel(1), 9));
    await messaging.done(messaging.store.committed(batch));
    expect(messaging.conversations.decided("ann", channel(1))?.markedUnread).toBe(9);
  });
});

describe("a list", () => {
  test("holds what was on the disk and what is written while it is read", async () => {
    const messaging = await Messaging.open();
    for (const index of [1, 2]) await messaging.done(write(messaging, "ann", row(channel(index), 1)));
    const loading = messaging.conversations.all("ann");
    const writing = Promise.all([
      write(messaging, "ann", row(channel(2), 2)),
      write(messaging, "ann", row(channel(3), 2)),
    ]);
    const all = await messaging.done(loading);
    await messaging.done(writing);
    const shown = [...all.entries].map((entry) => `${entry.channel.id}=${entry.durable?.markedUnread}`);
    expect(shown.sort()).toEqual(["g1=1", "g2=2", "g3=2"]);
    all.release();
  });

  test("that is read slowly does not bring back a row that was replaced and settled meanwhile", async () => {
    // What a simulated read sees is of any moment until its answer: the seed decides.
    for (let seed = 1; seed <= 10; seed++) {
      const messaging = await Messaging.open({}, createSimulatedWorld({ seed, readDelayMs: 50, writeDelayMs: 1 }));
      await messaging.done(write(messaging, "ann", row(channel(1), 1)));
      const loading = messaging.conversations.all("ann");
      await messaging.done(write(messaging, "ann", row(channel(1), 2)));
      const all = await messaging.done(loading);
      expect([...all.entries].map((entry) => entry.durable?.markedUnread)).toEqual([2]);
      all.release();
    }
  });

  test("that is held stays the one list, however many others are asked for", async () => {
    const messaging = await Messaging.open(SMALL);
    await messaging.done(write(messaging, "ann", row(channel(1), 1)));
    const held = await messaging.done(messaging.conversations.all("ann"));
    for (const uid of ["ben", "cat", "dan"]) await listOf(messaging, uid);
    await messaging.done(write(messaging, "ann", row(channel(1), 7)));
    expect([...held.entries].map((entry) => entry.durable?.markedUnread)).toEqual([7]);
    held.release();
  });

  test("that was dropped is read again and is the same", async () => {
    const messaging = await Messaging.open(SMALL);
    for (const uid of ["ann", "ben", "cat"])
      for (const index of [1, 2]) await messaging.done(write(messaging, uid, row(channel(index), index)));
    for (const uid of ["ann", "ben", "cat", "ann", "ben", "cat"])
      expect((await listOf(messaging, uid)).map((each) => each.markedUnread)).toEqual([1, 2]);
  });

  test("that could not be read is asked for again by the next one", async () => {
    const messaging = await Messaging.open();
    await messaging.done(write(messaging, "ann", row(channel(1))));
    messaging.faults.rangesFailIn = conversationTable;
    const failing = [messaging.conversations.all("ann"), messaging.conversations.all("ann")];
    for (const outcome of await messaging.done(Promise.allSettled(failing)))
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    messaging.faults.rangesFailIn = undefined;
    await messaging.done(write(messaging, "ann", row(channel(2))));
    expect(await listOf(messaging, "ann")).toHaveLength(2);
  });

  test("that comes in parts is whole", async () => {
    const messaging = await Messaging.open();
    for (let index = 0; index < 7; index++) await messaging.done(write(messaging, "ann", row(channel(index))));
    messaging.faults.rangeEntriesMax = 3;
    expect(await listOf(messaging, "ann")).toHaveLength(7);
  });

  test("of one user never shows a row of another one, also when one uid begins with the other", async () => {
    const messaging = await Messaging.open();
    await messaging.done(write(messaging, "a", row(channel(1))));
    await messaging.done(write(messaging, "aa", row(channel(2))));
    expect((await listOf(messaging, "a")).map((each) => each.channel.id)).toEqual(["g1"]);
    expect(await listOf(messaging, "")).toEqual([]);
  });
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), user: fc.nat(2), of: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("list" as const), user: fc.nat(2), heldMs: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("run" as const), forMs: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const) }) },
);

test("both views are what was decided and what is durable, whatever is read, written, evicted and lost at the same time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1000), fc.array(step, { maxLength: 40 }), async (seed, steps) => {
      const messaging = await Messaging.open(
        { ...SMALL, writeBytesMax: 1 },
        createSimulatedWorld({ seed, readDelayMs: seed % 16 }),
      );
      const { store, conversations, simulation } = messaging;
      const users = ["ann", "ben", "cat"];
      const places = users.flatMap((uid) => [0, 1, 2, 3, 4].map((of) => ({ uid, channel: channel(of) })));
      const textOf = (uid: string, of: ChannelKey): string => `${uid}/${of.id}`;
      const decided = new Map<string, number>();
      const durable = new Map<string, number>();
      let marked = 0;
      // After a failed write the truth is what the disk holds.
      store.onReset(() => {
        decided.clear();
        durable.clear();
        for (const { uid, channel: of } of places) {
          const kept = store.get(conversationTable, shardOfUser(uid), { uid, channel: of });
          if (kept === undefined) continue;
          decided.set(textOf(uid, of), kept.markedUnread);
          durable.set(textOf(uid, of), kept.markedUnread);
        }
      });
      const check = (): void => {
        for (const { uid, channel: of } of places) {
          expect(conversations.decided(uid, of)?.markedUnread).toBe(decided.get(textOf(uid, of)));
          expect(conversations.durable(uid, of)?.markedUnread).toBe(durable.get(textOf(uid, of)));
        }
      };
      const list = async (uid: string, heldMs: number): Promise<void> => {
        const { epoch } = store;
        const all = await conversations.all(uid);
        if (epoch === store.epoch) {
          const shown = [...all.entries].flatMap(({ channel: of, durable: kept }) =>
            kept === undefined ? [] : [`${textOf(uid, of)}=${kept.markedUnread}`],
          );
          const expected = [...durable].filter(([text]) => text.startsWith(`${uid}/`));
          expect(shown.sort()).toEqual(expected.map(([text, value]) => `${text}=${value}`).sort());
        }
        simulation.world.timers.after(heldMs, () => all.release());
      };
      const lists: Promise<unknown>[] = [];
      for (const each of steps) {
        if (each.kind === "write" && store.refusal() === null) {
          const uid = users[each.user]!;
          const text = textOf(uid, channel(each.of));
          const value = ++marked;
          decided.set(text, value);
          write(messaging, uid, row(channel(each.of), value)).then(
            () => durable.set(text, value),
            () => undefined,
          );
          conversations.trim();
        } else if (each.kind === "list") {
          const outcome = list(users[each.user]!, each.heldMs).catch((error: unknown) => error);
          lists.push(outcome);
        } else if (each.kind === "run") {
          await simulation.run(each.forMs);
        } else if (each.kind === "fail") {
          simulation.failNextWrite();
        }
        check();
      }
      await simulation.runUntilIdle();
      check();
      for (const outcome of await Promise.all(lists))
        if (!(outcome instanceof StoreUnavailable)) expect(outcome).toBeUndefined();
      for (const uid of users) await messaging.done(list(uid, 0));
    }),
    { numRuns: 150 },
  );
});
