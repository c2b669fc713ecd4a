import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareIds,
  ID_EPOCH_MS,
  IdGenerator,
  idBefore,
  idNanoseconds,
  idTimeMs,
  isAfterVersion,
  lastIdBeforeMs,
  versionOfNanoseconds,
} from "./ids.ts";

function clockAt(times: readonly number[]): { wallMs(): number; monotonicMs(): number } {
  let index = 0;
  return { wallMs: () => ID_EPOCH_MS + (times[Math.min(index++, times.length - 1)] ?? 0), monotonicMs: () => 0 };
}

describe("message ids", () => {
  test("grow strictly while the clock stands still, jumps back and runs on", () => {
    const times = Array.from({ length: 20_000 }, (_, i) =>
      i % 7 === 0 ? 5_000_000 : 5_000_000 + (i % 3) * 1000 - 500,
    );
    const ids = new IdGenerator(clockAt(times), 1001);
    let last = ids.next();
    for (let i = 1; i < times.length; i++) {
      const next = ids.next();
      expect(compareIds(next, last)).toBeGreaterThan(0);
      expect(idNanoseconds(next) > idNanoseconds(last)).toBe(true);
      last = next;
    }
  });

  test("go on behind the greatest stored id although the clock was set back over a restart", () => {
    const before = new IdGenerator(clockAt([9_000_000]), 1001);
    const stored = Array.from({ length: 5000 }, () => before.next()).at(-1)!;
    const after = new IdGenerator(clockAt([1_000_000]), 1001);
    after.continueAfter(stored);
    expect(compareIds(after.next(), stored)).toBeGreaterThan(0);
  });

  test("carry milliseconds, node and step where WuKongIM has them", () => {
    const id = new IdGenerator(clockAt([1_234_567_890_123]), 513).next();
    const bits = (BigInt(id.high) << 32n) | BigInt(id.low);
    expect(Number(bits >> 22n)).toBe(1_234_567_890_123);
    expect(Number((bits >> 12n) & 1023n)).toBe(513);
    expect(Number(bits & 4095n)).toBe(0);
  });

  test("never have a low word that the JavaScript SDK would round up", () => {
    // All ones in the low milliseconds and in the node leave only steps that are too great.
    const ids = new IdGenerator(clockAt([1023]), 1023);
    for (let i = 0; i < 10_000; i++) expect(ids.next().low).toBeLessThan(0xffffff00);
  });
});

test("an id is after a version exactly when its own version is greater", () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  const id = fc.record({ high: fc.integer({ min: 0, max: 0x7fffffff }), low: word });
  const nearby = fc.integer({ min: -500, max: 500 });
  const isAfter = (each: { high: number; low: number }, version: bigint): boolean =>
    isAfterVersion(each, versionOfNanoseconds(version));
  fc.assert(
    fc.property(id, id, nearby, (a, b, offset) => {
      for (const version of [idNanoseconds(a) + BigInt(offset), idNanoseconds(b), 0n, -1n])
        expect(isAfter(a, version)).toBe(idNanoseconds(a) > version);
      expect(isAfter({ high: 0, low: 0 }, BigInt(offset))).toBe(0n > BigInt(offset));
    }),
  );
});

describe("ids and time", () => {
  test("an id tells its millisecond, and all ids of it are behind the last one before it", () => {
    for (const ms of [1, 1023, 1024, 5_000_000_123]) {
      for (const nodeId of [1, 1023]) {
        const id = new IdGenerator(clockAt([ms]), nodeId).next();
        expect(idTimeMs(id)).toBe(ID_EPOCH_MS + ms);
        expect(compareIds(lastIdBeforeMs(ID_EPOCH_MS + ms), id)).toBeLessThan(0);
        expect(compareIds(lastIdBeforeMs(ID_EPOCH_MS + ms + 1), id)).toBeGreaterThan(0);
      }
    }
    expect(lastIdBeforeMs(0)).toEqual({ high: 0, low: 0 });
    expect(idTimeMs(lastIdBeforeMs(Number.MAX_SAFE_INTEGER))).toBeGreaterThan(ID_EPOCH_MS + 2 ** 41 - 3);
  });

  test("the number before an id is one less, down to 0", () => {
    expect(idBefore({ high: 1, low: 7 })).toEqual({ high: 1, low: 6 });
    expect(idBefore({ high: 1, low: 0 })).toEqual({ high: 0, low: 0xffffffff });
    expect(idBefore({ high: 0, low: 0 })).toEqual({ high: 0, low: 0 });
  });
});
