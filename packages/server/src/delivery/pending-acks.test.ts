import { describe, expect, test } from "vitest";
import { HandTime, storedMessage } from "../gateway/test-kit.ts";
import type { ChannelKey, LogName, StoredMessage } from "../messaging/message.ts";
import type { PushedMessage } from "./outbound.ts";
import { PENDING_ACKS_DEFAULTS, PendingAcks, type PendingAcksOptions } from "./pending-acks.ts";

const MINUTE = 60_000;

function bench(options: Partial<PendingAcksOptions> = {}) {
  const time = new HandTime();
  const stored: StoredMessage[] = [];
  const reads: number[][] = [];
  const told: string[] = [];
  const resent: { readonly session: number; readonly message: PushedMessage }[] = [];
  const state = { isBroken: false };
  const acks = new PendingAcks({
    clock: time,
    timers: time,
    history: {
      bySeqs(channel: ChannelKey, log: LogName, seqs: readonly number[]) {
        reads.push([...seqs]);
        if (state.isBroken) return Promise.reject(new Error("store"));
        const isAsked = (m: StoredMessage): boolean =>
          m.channel.type === channel.type && m.channel.id === channel.id && m.log === log && seqs.includes(m.seq);
        return Promise.resolve(stored.filter(isAsked));
      },
    },
    trail: {
      exceptions: (sessionId, list, untold) => {
        for (const { kind, log, firstSeq, lastSeq, resends } of list)
          told.push(`${sessionId} ${kind} ${log} ${firstSeq}-${lastSeq} ${resends}`);
        if (untold > 0) told.push(`${sessionId} untold ${untold}`);
      },
    },
    options: { ...PENDING_ACKS_DEFAULTS, ...options },
  });
  acks.start({
    recv: (message, to) => {
      for (const session of to) resent.push({ session, message });
    },
  });
  const sendTo = (seq: number, sessions: readonly number[], fields: Partial<StoredMessage> = {}): StoredMessage => {
    const message = storedMessage({ seq, id: { high: 1, low: seq }, ...fields });
    if (seq > 0) stored.push({ ...message, session: 0 });
    acks.track(message, sessions);
    return message;
  };
  const advance = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      time.advance(Math.min(1_000, ms - passed));
      for (let index = 0; index < 10; index++) await Promise.resolve();
    }
  };
  return { time, acks, stored, reads, told, resent, state, sendTo, advance };
}

test("what waits is counted over all sessions", async () => {
  const b = bench();
  b.sendTo(1, [7, 8]);
  b.sendTo(2, [7]);
  expect(b.acks.waitingCount).toBe(3);
  b.acks.forget(7);
  expect(b.acks.waitingCount).toBe(1);
});

describe("an unacknowledged message", () => {
  test("is sent again after a minute, five times, and then no more", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    await b.advance(MINUTE - 1_000);
    expect(b.resent).toHaveLength(0);
    await b.advance(1_000);
    for (let times = 1; times <= 5; times++) {
      expect(b.resent).toHaveLength(times);
      await b.advance(MINUTE);
    }
    await b.advance(10 * MINUTE);
    expect(b.resent).toHaveLength(5);
    expect(b.acks.waitingFor(7)).toBe(0);
  });

  test("is read from history, so what goes out again equals the first", async () => {
    const b = bench();
    const message = b.sendTo(1, [7], { session: 3, topic: "t", setting: 8, log: "command" });
    await b.advance(MINUTE + 5_000);
    expect(b.resent).toEqual([{ session: 7, message: { ...message, session: 0 } }]);
  });

  test("is not sent again once it is acknowledged, by that session alone", async () => {
    const b = bench();
    b.sendTo(1, [7, 8]);
    expect(b.acks.acked(7, { high: 1, low: 1 }, 1)).toMatchObject({ seq: 1, channel: { id: "g" }, log: "chat" });
    expect(b.acks.acked(7, { high: 1, low: 1 }, 1)).toBeUndefined();
    await b.advance(MINUTE + 5_000);
    expect(b.resent.map(({ session }) => session)).toEqual([8]);
    b.acks.acked(8, { high: 1, low: 1 }, 1);
    await b.advance(5 * MINUTE);
    expect(b.resent).toHaveLength(1);
  });

  test("is not sent to a session that is gone", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    b.acks.forget(7);
    await b.advance(5 * MINUTE);
    expect(b.resent).toEqual([]);
    expect(b.reads).toEqual([]);
  });

  test("that is no longer there is forgotten", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    b.stored.length = 0;
    await b.advance(MINUTE + 5_000);
    expect(b.acks.waitingFor(7)).toBe(0);
  });

  test("that cannot be read now is tried again later", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    b.state.isBroken = true;
    await b.advance(MINUTE + 5_000);
    b.state.isBroken = false;
    expect(b.resent).toHaveLength(0);
    await b.advance(MINUTE + 5_000);
    expect(b.resent).toHaveLength(1);
  });

  test("that was not kept is not waited for", () => {
    const b = bench();
    b.sendTo(0, [7]);
    expect(b.acks.waitingFor(7)).toBe(0);
  });
});

describe("an acknowledgement", () => {
  test("in any order takes away exactly its message", async () => {
    const b = bench();
    for (let seq = 1; seq <= 600; seq++) b.sendTo(seq, [7]);
    for (let seq = 600; seq > 300; seq--) b.acks.acked(7, { high: 1, low: seq }, seq);
    for (let seq = 1; seq <= 299; seq++) b.acks.acked(7, { high: 1, low: seq }, seq);
    expect(b.acks.waitingFor(7)).toBe(1);
    await b.advance(MINUTE + 5_000);
    expect(b.resent.map(({ message }) => message.seq)).toEqual([300]);
  });

  test("with a rounded high word is understood by low word and seq, but an exact one comes first", () => {
    const b = bench();
    b.sendTo(4, [7], { id: { high: 1, low: 0xfffffff0 } });
    expect(b.acks.acked(7, { high: 2, low: 0xfffffff0 }, 5)).toBeUndefined();
    b.sendTo(4, [7], { id: { high: 2, low: 0xfffffff0 }, channel: { type: 2, id: "other" } });
    expect(b.acks.acked(7, { high: 2, low: 0xfffffff0 }, 4)?.channel.id).toBe("other");
    expect(b.acks.acked(7, { high: 2, low: 0xfffffff0 }, 4)?.channel.id).toBe("g");
  });

  test("of a stranger's message or from a stranger means nothing", () => {
    const b = bench();
    b.sendTo(1, [7]);
    expect(b.acks.acked(7, { high: 9, low: 9 }, 1)).toBeUndefined();
    expect(b.acks.acked(8, { high: 1, low: 1 }, 1)).toBeUndefined();
    expect(b.acks.waitingFor(7)).toBe(1);
  });

  test("that comes while the message is read stops the resend", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    b.time.advance(MINUTE + 5_000);
    expect(b.reads).toHaveLength(1);
    b.acks.acked(7, { high: 1, low: 1 }, 1);
    for (let index = 0; index < 10; index++) await Promise.resolve();
    expect(b.resent).toEqual([]);
  });
});

describe("bounds", () => {
  test("a session waits for at most 1,024, and the oldest is forgotten first", async () => {
    const b = bench();
    for (let seq = 1; seq <= 1_030; seq++) b.sendTo(seq, [7]);
    expect(b.acks.waitingFor(7)).toBe(1_024);
    await b.advance(MINUTE + 5_000);
    expect(b.resent.map(({ message }) => message.seq)).toEqual(Array.from({ length: 1_024 }, (_, index) => index + 7));
  });

  test("one read serves all sessions that wait for the same messages, at most 100 positions at a time", async () => {
    const b = bench();
    for (let seq = 1; seq <= 10; seq++) b.sendTo(seq, [1, 2, 3, 4, 5]);
    await b.advance(MINUTE + 5_000);
    expect(b.reads).toHaveLength(1);
    expect(b.resent).toHaveLength(50);
    for (let session = 1; session <= 5; session++) {
      const seqs = b.resent.filter((item) => item.session === session).map(({ message }) => message.seq);
      expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
  });

  test("one sweep sends a bounded number again; the others follow", async () => {
    const b = bench({ resendsPerSweepMax: 30 });
    for (let seq = 1; seq <= 50; seq++) b.sendTo(seq, [7]);
    await b.advance(MINUTE);
    expect(b.resent).toHaveLength(30);
    await b.advance(5_000);
    expect(b.resent).toHaveLength(50);
  });

  test("there is one timer, whatever waits, and none after stop", () => {
    const b = bench();
    for (let seq = 1; seq <= 100; seq++) b.sendTo(seq, [1, 2, 3]);
    expect(b.time.timerCount).toBe(1);
    b.acks.stop();
    expect(b.time.timerCount).toBe(0);
  });
});

test("what became of each push is counted", async () => {
  const b = bench({ perSessionMax: 3, resendsMax: 1 });
  for (let seq = 1; seq <= 5; seq++) b.sendTo(seq, [7]);
  b.sendTo(6, [8]);
  expect(b.acks.stats()).toEqual({ waiting: 4, acked: 0, unknown: 0, resent: 0, exhausted: 0, forgotten: 2 });
  b.acks.acked(7, { high: 1, low: 5 }, 5);
  b.acks.acked(7, { high: 1, low: 1 }, 1);
  b.acks.forget(8);
  await b.advance(MINUTE + 5_000);
  expect(b.acks.stats()).toEqual({ waiting: 2, acked: 1, unknown: 1, resent: 2, exhausted: 0, forgotten: 2 });
  await b.advance(MINUTE + 5_000);
  expect(b.acks.stats()).toEqual({ waiting: 0, acked: 1, unknown: 1, resent: 2, exhausted: 2, forgotten: 2 });
});

describe("what is not acknowledged as usual", () => {
  const CHAT = { channel: storedMessage().channel, log: "chat" } as const;

  test("an acknowledgement in time leaves no trace", async () => {
    const b = bench();
    for (let seq = 1; seq <= 3; seq++) b.sendTo(seq, [7]);
    expect(b.acks.stateOf(7, { ...CHAT, seq: 2 })).toEqual({ resends: 0, dueInMs: MINUTE });
    for (let seq = 1; seq <= 3; seq++) b.acks.acked(7, { high: 1, low: seq }, seq);
    expect(b.acks.stateOf(7, { ...CHAT, seq: 2 })).toBeUndefined();
    b.acks.forget(7);
    await b.advance(MINUTE);
    expect(b.told).toEqual([]);
  });

  test("one that comes after a resend is told as late, with the next sweep", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    await b.advance(MINUTE + 5_000);
    expect(b.acks.stateOf(7, { ...CHAT, seq: 1 })).toMatchObject({ resends: 1 });
    b.acks.acked(7, { high: 1, low: 1 }, 1);
    expect(b.acks.stateOf(7, { ...CHAT, seq: 1 }), "not told yet, and known").toMatchObject({ kind: "late" });
    await b.advance(5_000);
    expect(b.told).toEqual(["7 late chat 1-1 1"]);
  });

  test("what is given up or forgotten is told in runs", async () => {
    const b = bench({ perSessionMax: 3, resendsMax: 1 });
    for (let seq = 1; seq <= 5; seq++) b.sendTo(seq, [7]);
    await b.advance(5_000);
    expect(b.told).toEqual(["7 forgotten chat 1-2 0"]);
    await b.advance(3 * MINUTE);
    expect(b.told).toEqual(["7 forgotten chat 1-2 0", "7 given_up chat 3-5 1"]);
  });

  test("a message that is gone when it is to be sent again is told", async () => {
    const b = bench();
    b.sendTo(1, [7]);
    b.stored.length = 0;
    await b.advance(MINUTE + 10_000);
    expect(b.told).toEqual(["7 gone chat 1-1 1"]);
  });

  test("what waits when the session ends is told at once", () => {
    const b = bench();
    for (const seq of [1, 2, 3, 5]) b.sendTo(seq, [7, 8]);
    b.acks.acked(7, { high: 1, low: 1 }, 1);
    b.acks.forget(7);
    expect(b.told).toEqual(["7 unacknowledged chat 2-3 0", "7 unacknowledged chat 5-5 0"]);
  });

  test("runs that find no room are counted", () => {
    const b = bench();
    for (let seq = 1; seq <= 40; seq++) b.sendTo(seq * 2, [7]);
    b.acks.forget(7);
    expect(b.told).toHaveLength(33);
    expect(b.told.at(-1)).toBe("7 untold 8");
  });
});
