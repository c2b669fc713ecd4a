import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Evictable, LoadedCache } from "./loaded-cache.ts";

function object(bytes = 10, pins = 0): Evictable {
  return { bytes, pins };
}
function keysIn(cache: LoadedCache<Evictable>, keys: readonly string[]): string[] {
  return keys.filter((key) => cache.peek(key) !== undefined);
}

describe("the cache of loaded objects", () => {
  test("drops the least recently used one when there are too many", () => {
    const cache = new LoadedCache({ countMax: 2, bytesMax: 1000 });
    cache.set("a", object());
    cache.set("b", object());
    cache.get("a");
    cache.set("c", object());
    cache.trim();
    expect(keysIn(cache, ["a", "b", "c"])).toEqual(["a", "c"]);
  });

  test("does not take a peek for a use", () => {
    const cache = new LoadedCache({ countMax: 2, bytesMax: 1000 });
    cache.set("a", object());
    cache.set("b", object());
    cache.peek("a");
    cache.set("c", object());
    cache.trim();
    expect(keysIn(cache, ["a", "b", "c"])).toEqual(["b", "c"]);
  });

  test("drops as many as needed when they are too large", () => {
    const cache = new LoadedCache({ countMax: 100, bytesMax: 100 });
    for (const key of ["a", "b", "c"]) cache.set(key, object(40));
    cache.trim();
    expect(keysIn(cache, ["a", "b", "c"])).toEqual(["b", "c"]);
  });

  test("counts what an object has grown by, and gives it back with the object", () => {
    const cache = new LoadedCache({ countMax: 100, bytesMax: 100 });
    const growing = object(40);
    cache.set("a", growing);
    growing.bytes += 80;
    cache.grew(80);
    cache.trim();
    expect(cache.peek("a")).toBeUndefined();
    cache.set("b", object(100));
    cache.trim();
    expect(cache.peek("b")).toBeDefined();
  });

  test("evicts nothing before the step is over", () => {
    const cache = new LoadedCache({ countMax: 1, bytesMax: 1 });
    for (let index = 0; index < 10; index++) cache.set(`k${index}`, object());
    expect(cache.count).toBe(10);
    cache.trim();
    expect(cache.count).toBe(0);
  });

  test("keeps what is pinned, also above its bounds, and drops it when the pin is gone", () => {
    const cache = new LoadedCache({ countMax: 1, bytesMax: 1000 });
    const pinned = Array.from({ length: 200 }, () => object(10, 1));
    for (const [index, each] of pinned.entries()) cache.set(`k${index}`, each);
    cache.trim();
    expect(cache.count).toBe(200);
    for (const each of pinned) each.pins--;
    cache.trim();
    expect(cache.count).toBe(1);
  });

  test("gives the bytes of a deleted object back, and all of them when it is cleared", () => {
    const cache = new LoadedCache({ countMax: 100, bytesMax: 100 });
    cache.set("a", object(90));
    cache.delete("a");
    cache.delete("a");
    cache.set("b", object(90));
    cache.trim();
    expect(keysIn(cache, ["a", "b"])).toEqual(["b"]);
    cache.clear();
    cache.set("c", object(90));
    cache.trim();
    expect(keysIn(cache, ["b", "c"])).toEqual(["c"]);
  });

  test("is within its bounds after every step, but for what is pinned, and drops no more than needed", () => {
    const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const step = fc.oneof(
      fc.record({ kind: fc.constant("use" as const), key, bytes: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ kind: fc.constantFrom("pin" as const, "unpin" as const, "delete" as const, "grow" as const), key }),
    );
    const bounds = fc.record({ countMax: fc.integer({ min: 1, max: 4 }), bytesMax: fc.integer({ min: 1, max: 120 }) });
    fc.assert(
      fc.property(bounds, fc.array(step, { maxLength: 60 }), (limits, steps) => {
        const cache = new LoadedCache(limits);
        const there = new Map<string, Evictable>();
        const bytesOf = (objects: Iterable<Evictable>): number =>
          [...objects].reduce((sum, each) => sum + each.bytes, 0);
        for (const each of steps) {
          const known = cache.get(each.key);
          expect(known).toBe(there.get(each.key));
          if (each.kind === "use" && known === undefined) {
            const made = object(each.bytes);
            cache.set(each.key, made);
            there.set(each.key, made);
          } else if (known !== undefined) {
            if (each.kind === "pin") known.pins++;
            if (each.kind === "unpin" && known.pins > 0) known.pins--;
            if (each.kind === "delete" && known.pins === 0) {
              cache.delete(each.key);
              there.delete(each.key);
            }
            if (each.kind === "grow") {
              known.bytes += 7;
              cache.grew(7);
            }
          }
          const bytesBefore = bytesOf(there.values());
          const countBefore = there.size;
          cache.trim();
          let dropped = 0;
          for (const [name, value] of there) {
            if (cache.peek(name) !== undefined) continue;
            expect(value.pins, "a pinned one stays").toBe(0);
            there.delete(name);
            dropped++;
          }
          expect(cache.count).toBe(there.size);
          const isFull = there.size > limits.countMax || bytesOf(there.values()) > limits.bytesMax;
          if (isFull) for (const value of there.values()) expect(value.pins).toBeGreaterThan(0);
          if (countBefore <= limits.countMax && bytesBefore <= limits.bytesMax) expect(dropped).toBe(0);
        }
      }),
    );
  });
});

test("a cache tells what it holds, its bounds and what it had to give up", () => {
  const cache = new LoadedCache<Evictable>({ countMax: 2, bytesMax: 1_000 });
  for (const key of ["a", "b", "c", "d"]) cache.set(key, object());
  cache.hits++;
  cache.trim();
  expect(cache.stats()).toEqual({
    entries: 2,
    countMax: 2,
    bytes: 20,
    bytesMax: 1_000,
    hits: 1,
    misses: 0,
    evictions: 2,
  });
});
