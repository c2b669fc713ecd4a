/** A key that was added is never called absent; most others are, within the memory that is allowed. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyFilter } from "./key-filter.ts";

const ROOMY = 1 << 24;

function keyOf(name: string): Uint8Array {
  return Buffer.from(name);
}

test("a key that was added is never absent, however many come after it", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 3, maxLength: 80 }), { maxLength: 3000 }), (keys) => {
      const filter = new KeyFilter(1, ROOMY);
      for (const key of keys) filter.add(0, key);
      filter.complete(0);
      for (const key of keys) expect(filter.isAbsent(0, key)).toBe(false);
    }),
    { numRuns: 30 },
  );
});

test("fewer than one in twenty of the keys that never came is taken for one that did", () => {
  const filter = new KeyFilter(1, ROOMY);
  const count = 50_000;
  for (let n = 0; n < count; n++) filter.add(0, keyOf(`group/user-${n % 100}/no-${n}`));
  filter.complete(0);
  let perhaps = 0;
  for (let n = 0; n < count; n++) if (!filter.isAbsent(0, keyOf(`group/user-${n % 100}/other-${n}`))) perhaps++;
  expect(perhaps).toBeLessThan(count / 20);
  expect(filter.bytes).toBeLessThan(count * 5);
});

test("a key that comes again and again takes room once", () => {
  const filter = new KeyFilter(1, ROOMY);
  for (let n = 0; n < 50_000; n++) filter.add(0, keyOf(`head of channel ${n % 100}`));
  filter.complete(0);
  expect(filter.bytes).toBeLessThan(10_000);
  expect(filter.isAbsent(0, keyOf("head of channel 7"))).toBe(false);
});

test("nothing is absent before all that was on the disk has been added, and each shard is asked alone", () => {
  const filter = new KeyFilter(2, ROOMY);
  expect(filter.isAbsent(0, keyOf("new"))).toBe(false);
  filter.complete(0);
  expect(filter.isAbsent(0, keyOf("new"))).toBe(true);
  expect(filter.isAbsent(1, keyOf("new"))).toBe(false);
});

test("a shard that cannot grow as usual takes what room is left", () => {
  const filter = new KeyFilter(1, 12_000);
  filter.complete(0);
  for (let n = 0; n < 8_000; n++) filter.add(0, keyOf(`${n}`));
  expect(filter.isOff(0)).toBe(false);
  expect(filter.bytes).toBeGreaterThan(6_000);
  let absent = 0;
  for (let n = 0; n < 1_000; n++) if (filter.isAbsent(0, keyOf(`never ${n}`))) absent++;
  expect(absent).toBeGreaterThan(900);
});

test("a shard for which there is no room gives its memory back and calls nothing absent", () => {
  const filter = new KeyFilter(2, 10_000);
  filter.complete(0);
  filter.complete(1);
  filter.add(1, keyOf("small"));
  for (let n = 0; n < 50_000; n++) filter.add(0, keyOf(`${n}`));
  expect(filter.isOff(0)).toBe(true);
  expect(filter.isAbsent(0, keyOf("never"))).toBe(false);
  expect(filter.isAbsent(1, keyOf("never"))).toBe(true);
  expect(filter.isAbsent(1, keyOf("small"))).toBe(false);
  expect(filter.bytes).toBeLessThanOrEqual(10_000);
});
