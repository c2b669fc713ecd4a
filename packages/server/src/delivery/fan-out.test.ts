import { describe, expect, test } from "vitest";
import { HandTime, storedMessage } from "../gateway/test-kit.ts";
import type { StoredMessage } from "../messaging/message.ts";
import type { ReceiverSet } from "../messaging/receivers.ts";
import { createFanOut, FAN_OUT_DEFAULTS, type FanOut, type FanOutOptions } from "./fan-out.ts";
import { Presence } from "./presence.ts";

interface Bench {
  readonly time: HandTime;
  readonly fanOut: FanOut;
  readonly presence: Presence;
  /** Channel id → its receivers, walked live. */
  readonly members: Map<string, Set<string>>;
  /** What went out: session, channel and seq. */
  readonly sent: { readonly session: number; readonly channel: string; readonly seq: number }[];
  readonly calls: number[];
  readonly tracked: number[];
  /** Sessions with a note of a message that they may still acknowledge. */
  readonly noted: Set<number>;
  readonly failures: unknown[];
  /** Sets taken and not released. */
  open: number;
  /** Milliseconds each RECV call takes. */
  recvMs: number;
  /** Cut by the first RECV that it gets: out of presence, its notes forgotten. */
  slowReader: number;
  /** Channels that are not loaded: what to do to let them be. */
  readonly loading: Map<string, { load(): void; fail(): void }>;
  readonly unloaded: Set<string>;
  /** Seqs that were left to sync. */
  readonly notPushed: number[];
}

function bench(options: Partial<FanOutOptions> = {}): Bench {
  const time = new HandTime();
  const presence = new Presence();
  const setOf = (message: StoredMessage): ReceiverSet => {
    b.open++;
    const uids = b.members.get(message.channel.id) ?? new Set();
    return { uids, count: uids.size, release: () => void b.open-- };
  };
  const fanOut = createFanOut({
    clock: time,
    timers: time,
    presence,
    notPushed: (message) => void b.notPushed.push(message.seq),
    receivers: {
      of(message) {
        if (!b.unloaded.has(message.channel.id)) return setOf(message);
        return new Promise<ReceiverSet>((resolve, reject) => {
          let isLoaded = false;
          b.loading.set(message.channel.id, {
            load: () => {
              if (!isLoaded) resolve(setOf(message));
              isLoaded = true;
            },
            fail: () => reject(new Error("store")),
          });
        });
      },
    },
    outbound: {
      recv(message, to) {
        time.pass(b.recvMs);
        b.calls.push(to.length);
        for (const session of to) {
          b.sent.push({ session, channel: message.channel.id, seq: message.seq });
          if (session !== b.slowReader) continue;
          b.slowReader = 0;
          presence.remove(session);
          b.noted.delete(session);
        }
      },
    },
    acks: {
      track(_, ids) {
        b.tracked.push(...ids);
        for (const id of ids) b.noted.add(id);
      },
    },
    failed: (error) => void b.failures.push(error),
    options: { ...FAN_OUT_DEFAULTS, ...options },
  });
  const b: Bench = {
    time,
    fanOut,
    presence,
    members: new Map(),
    sent: [],
    calls: [],
    tracked: [],
    noted: new Set(),
    failures: [],
    open: 0,
    recvMs: 0,
    slowReader: 0,
    loading: new Map(),
    unloaded: new Set(),
    notPushed: [],
  };
  return b;
}

/** `count` members u1, u2, … of channel `id`, each with one session of his number. */
function group(b: Bench, id: string, count: number): void {
  b.members.set(id, new Set(Array.from({ length: count }, (_, index) => `u${index + 1}`)));
  for (let number = 1; number <= count; number++) connect(b, number, `u${number}`);
}

function connect(b: Bench, id: number, uid: string): void {
  if (b.presence.of(uid).some((session) => session.id === id)) return;
  b.presence.add({ id, uid, deviceId: `d${id}`, deviceFlag: 0, deviceLevel: "slave", version: 5, connectedAtMs: 0 });
}

const inChannel = (id: string, seq: number, fields: Partial<StoredMessage> = {}): StoredMessage =>
  storedMessage({ channel: { type: 2, id }, seq, id: { high: 1, low: seq }, ...fields });

const seqsOf = (b: Bench, session: number, channel: string): number[] =>
  b.sent.filter((sent) => sent.session === session && sent.channel === channel).map(({ seq }) => seq);

/** Lets promises and turns go on until nothing moves. */
async function settle(b: Bench): Promise<void> {
  for (let index = 0; index < 20; index++) {
    await Promise.resolve();
    b.time.settle();
  }
}

describe("a small, loaded channel", () => {
  test("is served before push returns: all sessions but the sending one, noted for acknowledgement", () => {
    const b = bench();
    group(b, "g", 3);
    connect(b, 10, "u1");
    b.fanOut.push([inChannel("g", 1, { fromUid: "u1", session: 1 })]);
    expect(b.sent.map(({ session }) => session)).toEqual([10, 2, 3]);
    expect(b.calls).toEqual([3]);
    expect(b.tracked).toEqual([10, 2, 3]);
    expect([b.open, b.fanOut.backlogMessages]).toEqual([0, 0]);
  });

  test("never reaches ____system, and nobody who is offline", () => {
    const b = bench();
    b.members.set("p", new Set(["u1", "____system", "offline"]));
    connect(b, 1, "u1");
    connect(b, 2, "____system");
    b.fanOut.push([inChannel("p", 1)]);
    expect(b.sent.map(({ session }) => session)).toEqual([1]);
  });

  test("H-09: a message to oneself reaches every other device once", () => {
    const b = bench();
    b.members.set("u1@u1", new Set(["u1"]));
    for (const id of [1, 2, 3]) connect(b, id, "u1");
    b.fanOut.push([storedMessage({ channel: { type: 1, id: "u1@u1" }, session: 2, fromUid: "u1" })]);
    expect(b.sent.map(({ session }) => session)).toEqual([1, 3]);
  });

  test("is served in the order of the messages", () => {
    const b = bench();
    group(b, "g", 2);
    b.fanOut.push([1, 2, 3].map((seq) => inChannel("g", seq)));
    b.fanOut.push([inChannel("g", 4)]);
    expect(seqsOf(b, 1, "g")).toEqual([1, 2, 3, 4]);
  });

  test("whose receivers throw loses only its own push", () => {
    const b = bench();
    group(b, "g", 2);
    b.members.set("broken", {
      size: 1,
      [Symbol.iterator]() {
        throw new Error("broken");
      },
    } as unknown as Set<string>);
    b.fanOut.push([inChannel("broken", 1), inChannel("g", 1)]);
    expect(b.sent).toHaveLength(2);
    expect([b.failures.length, b.fanOut.droppedMessages, b.open]).toEqual([1, 1, 0]);
  });
});

describe("a big channel", () => {
  test("goes out in slices, and another channel's messages between them", () => {
    const b = bench({ sliceReceiversMax: 128 });
    group(b, "big", 1_000);
    b.members.set("small", new Set(["u1"]));
    b.fanOut.push([inChannel("big", 1)]);
    expect(b.sent).toEqual([]);
    b.time.turn();
    const first = b.sent.length;
    expect(first).toBe(128);
    b.fanOut.push([inChannel("small", 1)]);
    expect(b.sent.at(-1)).toEqual({ session: 1, channel: "small", seq: 1 });
    b.time.settle();
    expect(seqsOf(b, 1_000, "big")).toEqual([1]);
    expect(b.sent).toHaveLength(1_001);
  });

  test("its next message waits for the end of this one, so every session sees one ascending seq", () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "big", 300);
    for (let seq = 1; seq <= 5; seq++) {
      b.fanOut.push([inChannel("big", seq)]);
      b.time.turn();
    }
    // Meanwhile the group has become small: the new message still stands behind the others.
    for (let number = 11; number <= 300; number++) b.members.get("big")?.delete(`u${number}`);
    b.fanOut.push([inChannel("big", 6)]);
    b.time.settle();
    for (let session = 1; session <= 10; session++) expect(seqsOf(b, session, "big")).toEqual([1, 2, 3, 4, 5, 6]);
    for (let session = 11; session <= 300; session++) {
      const seqs = seqsOf(b, session, "big");
      expect(seqs).toEqual(seqs.toSorted((x, y) => x - y));
    }
    expect([b.open, b.fanOut.backlogMessages, b.fanOut.backlogBytes]).toEqual([0, 0, 0]);
  });

  test("hands out messages that wait behind each other together, to each session in their order, but not its own", () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "g", 200);
    b.fanOut.push([1, 2, 3].map((seq) => inChannel("g", seq, seq === 2 ? { fromUid: "u7", session: 7 } : {})));
    b.time.turn();
    // One turn brings the first members all three, and the last members none.
    expect(seqsOf(b, 1, "g")).toEqual([1, 2, 3]);
    expect(seqsOf(b, 7, "g")).toEqual([1, 3]);
    expect(seqsOf(b, 200, "g")).toEqual([]);
    b.time.settle();
    expect(seqsOf(b, 200, "g")).toEqual([1, 2, 3]);
    expect(b.sent).toHaveLength(3 * 200 - 1);
    expect([b.open, b.fanOut.backlogMessages, b.fanOut.backlogBytes]).toEqual([0, 0, 0]);
  });

  test("walks a message with receivers of its own alone", () => {
    const b = bench();
    group(b, "g", 200);
    b.fanOut.push([inChannel("g", 1), inChannel("g", 2, { receivers: ["u5"] }), inChannel("g", 3)]);
    b.members.set("g", new Set(["u5", "u6"]));
    b.time.settle();
    expect(seqsOf(b, 5, "g")).toEqual([1, 2, 3]);
    expect(b.open).toBe(0);
  });

  test("a slice ends when its time is over", () => {
    const b = bench({ turnMs: 2 });
    group(b, "big", 1_000);
    b.recvMs = 3;
    b.fanOut.push([inChannel("big", 1)]);
    b.time.turn();
    expect(b.calls).toEqual([64]);
    b.time.turn();
    expect(b.calls).toEqual([64, 64]);
  });

  test("several big channels take turns", () => {
    const b = bench({ turnMs: 2 });
    for (const id of ["a", "b", "c"]) group(b, id, 200);
    b.recvMs = 3;
    b.fanOut.push(["a", "b", "c"].map((id) => inChannel(id, 1)));
    for (let turn = 0; turn < 6; turn++) b.time.turn();
    const channels = b.calls.map((_, call) => b.sent[call * 64]?.channel);
    expect(channels).toEqual(["a", "b", "c", "a", "b", "c"]);
  });

  test("a member removed meanwhile is not visited, one who connects meanwhile is", () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "big", 200);
    b.fanOut.push([inChannel("big", 1)]);
    b.time.turn();
    b.members.get("big")?.delete("u150");
    b.presence.remove(160);
    connect(b, 999, "u170");
    b.time.settle();
    expect(seqsOf(b, 150, "big")).toEqual([]);
    expect(seqsOf(b, 160, "big")).toEqual([]);
    expect(seqsOf(b, 999, "big")).toEqual([1]);
    expect(seqsOf(b, 149, "big")).toEqual([1]);
  });
});

describe("messages that are walked together", () => {
  test("reach nobody who was removed meanwhile, and all of them who logs in meanwhile", () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "g", 200);
    b.fanOut.push([1, 2, 3].map((seq) => inChannel("g", seq)));
    b.time.turn();
    b.members.get("g")?.delete("u150");
    connect(b, 999, "u170");
    connect(b, 998, "u1");
    b.time.settle();
    expect(seqsOf(b, 150, "g")).toEqual([]);
    expect(seqsOf(b, 999, "g")).toEqual([1, 2, 3]);
    // He was passed already: he finds all of them by sync, none without the ones before it.
    expect(seqsOf(b, 998, "g")).toEqual([]);
    expect([b.open, b.fanOut.backlogMessages, b.fanOut.backlogBytes]).toEqual([0, 0, 0]);
  });

  test("are not noted for a session that the first of them has cut", () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "g", 200);
    b.slowReader = 7;
    b.fanOut.push([1, 2, 3].map((seq) => inChannel("g", seq)));
    b.time.settle();
    expect(b.noted.size).toBe(199);
    expect(b.noted.has(7)).toBe(false);
  });

  test("are given up together when their walk throws, and the next ones go out", () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "g", 200);
    const uids = b.members.get("g") ?? new Set();
    b.members.set("g", {
      size: uids.size,
      *[Symbol.iterator]() {
        yield* [...uids].slice(0, 100);
        throw new Error("broken");
      },
    } as unknown as Set<string>); // only what is walked
    b.fanOut.push(Array.from({ length: 20 }, (_, index) => inChannel("g", index + 1)));
    b.time.turn();
    b.members.set("g", uids);
    b.time.settle();
    expect([b.failures.length, b.fanOut.droppedMessages, b.notPushed.length]).toEqual([1, 16, 16]);
    expect(seqsOf(b, 200, "g")).toEqual([17, 18, 19, 20]);
    expect(seqsOf(b, 1, "g")).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect([b.open, b.fanOut.backlogMessages, b.fanOut.backlogBytes]).toEqual([0, 0, 0]);
  });

  test("lose only the first when its receivers cannot be read", async () => {
    const b = bench({ sliceReceiversMax: 64 });
    group(b, "g", 200);
    b.fanOut.push([inChannel("g", 1)]);
    b.time.turn();
    b.unloaded.add("g");
    b.fanOut.push([2, 3, 4].map((seq) => inChannel("g", seq)));
    b.time.settle();
    b.unloaded.delete("g");
    b.loading.get("g")?.fail();
    await settle(b);
    expect(seqsOf(b, 200, "g")).toEqual([1, 3, 4]);
    expect([b.open, b.fanOut.droppedMessages, b.fanOut.backlogMessages, b.fanOut.backlogBytes]).toEqual([0, 1, 0, 0]);
  });
});

describe("a channel that is not loaded", () => {
  test("waits, and keeps its order", async () => {
    const b = bench();
    group(b, "g", 2);
    b.unloaded.add("g");
    b.fanOut.push([inChannel("g", 1)]);
    b.unloaded.delete("g");
    b.fanOut.push([inChannel("g", 2)]);
    await settle(b);
    expect(b.sent).toEqual([]);
    expect(b.fanOut.backlogMessages).toBe(2);
    b.loading.get("g")?.load();
    await settle(b);
    expect(seqsOf(b, 1, "g")).toEqual([1, 2]);
    expect([b.open, b.fanOut.backlogMessages]).toEqual([0, 0]);
  });

  test("whose load fails drops that push, and the next one goes out", async () => {
    const b = bench();
    group(b, "g", 1);
    b.unloaded.add("g");
    b.fanOut.push([inChannel("g", 1), inChannel("g", 2)]);
    b.unloaded.delete("g");
    b.loading.get("g")?.fail();
    await settle(b);
    expect(seqsOf(b, 1, "g")).toEqual([2]);
    expect([b.fanOut.droppedMessages, b.fanOut.backlogMessages, b.open]).toEqual([1, 0, 0]);
  });

  test("does not hold up its own command log or another channel", () => {
    const b = bench();
    group(b, "g", 1);
    b.unloaded.add("g");
    b.fanOut.push([inChannel("g", 1)]);
    b.unloaded.delete("g");
    b.fanOut.push([inChannel("g", 7, { log: "command" })]);
    expect(seqsOf(b, 1, "g")).toEqual([7]);
  });
});

describe("the backlog", () => {
  test("is bounded in messages: more are left to sync, and it empties again", () => {
    const b = bench({ backlogMessagesMax: 10 });
    group(b, "big", 100);
    b.fanOut.push(Array.from({ length: 25 }, (_, index) => inChannel("big", index + 1)));
    expect([b.fanOut.backlogMessages, b.fanOut.droppedMessages]).toEqual([10, 15]);
    expect(b.notPushed, "whoever explains it is told").toHaveLength(15);
    b.time.settle();
    expect(seqsOf(b, 1, "big")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    b.fanOut.push([inChannel("big", 26)]);
    b.time.settle();
    expect(seqsOf(b, 1, "big").at(-1)).toBe(26);
    expect(b.open).toBe(0);
  });

  test("counts the receivers that a message names itself", () => {
    const b = bench({ backlogBytesMax: 10_000 });
    group(b, "g", 100);
    const receivers = Array.from({ length: 1000 }, (_, index) => `someone-${index}`);
    for (let seq = 1; seq <= 5; seq++) b.fanOut.push([inChannel("g", 0, { receivers })]);
    expect([b.fanOut.backlogMessages, b.fanOut.droppedMessages]).toEqual([1, 4]);
  });

  test("is bounded in bytes", () => {
    const b = bench({ backlogBytesMax: 10_000 });
    group(b, "big", 100);
    b.fanOut.push(
      Array.from({ length: 25 }, (_, index) => inChannel("big", index + 1, { payload: new Uint8Array(3_000) })),
    );
    expect(b.fanOut.backlogMessages).toBe(4);
    expect(b.fanOut.backlogBytes).toBeLessThan(14_000);
  });
});

test("random channels, sizes and loads: every session sees every channel once and in order", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const b = bench({ sliceReceiversMax: 64, turnMs: 1 });
  for (const [id, size] of [
    ["a", 3],
    ["b", 64],
    ["c", 65],
    ["d", 400],
  ] as const)
    group(b, id, size);
  const last = new Map<string, number>();
  for (let step = 0; step < 500; step++) {
    const id = "abcd"[random(4)]!;
    const seq = (last.get(id) ?? 0) + 1;
    last.set(id, seq);
    b.recvMs = random(3);
    if (random(4) === 0) b.unloaded.add(id);
    b.fanOut.push([inChannel(id, seq)]);
    b.unloaded.clear();
    if (random(3) === 0) b.time.turn();
    if (random(3) === 0) b.loading.get("abcd"[random(4)]!)?.load();
    if (random(10) === 0) await Promise.resolve();
  }
  for (let round = 0; round < 200 && b.fanOut.backlogMessages > 0; round++) {
    for (const channel of b.loading.values()) channel.load();
    await settle(b);
  }
  for (const [id, members] of b.members) {
    const wanted = Array.from({ length: last.get(id) ?? 0 }, (_, index) => index + 1);
    for (let session = 1; session <= members.size; session++) {
      expect(seqsOf(b, session, id), `seed ${seed}, session ${session}, channel ${id}`).toEqual(wanted);
    }
  }
  expect(b.open, `seed ${seed}`).toBe(0);
});

test("what was pushed, who was offline and how many receivers there were is counted, in slices or at once", () => {
  const b = bench({ sliceReceiversMax: 5, immediateReceiversMax: 4 });
  group(b, "large", 10);
  b.members.set("small", new Set(["u1", "away"]));
  for (let seq = 1; seq <= 3; seq++)
    b.fanOut.push([storedMessage({ channel: { type: 2, id: "large" }, seq, session: 1 })]);
  b.fanOut.push([storedMessage({ channel: { type: 2, id: "small" } })]);
  b.time.settle();
  const { pushed, offline, recipients } = b.fanOut.stats();
  expect(pushed, "the sender's own session gets nothing").toBe(3 * 9 + 1);
  expect(pushed).toBe(b.sent.length);
  expect(offline).toBe(1);
  expect(recipients.counts.reduce((sum, count) => sum + count, 0)).toBe(4);
  expect(recipients.sum).toBe(3 * 10 + 2);
});
