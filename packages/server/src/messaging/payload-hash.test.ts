/** The published function, and what it is for: another payload has another hash. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { payloadHash } from "./payload-hash.ts";

test("payloads that differ in any byte or in length have different hashes, equal ones the same", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (payload, at, change) => {
        const hash = payloadHash(payload);
        expect(hash).toHaveLength(16);
        expect(payloadHash(Uint8Array.from(payload))).toEqual(hash);
        expect(payloadHash(Uint8Array.of(...payload, 0))).not.toEqual(hash);
        if (payload.length === 0) return;
        const other = Uint8Array.from(payload);
        other[at % payload.length]! ^= change;
        expect(payloadHash(other)).not.toEqual(hash);
      },
    ),
  );
});

test("no two of 100,000 short payloads have the same hash", () => {
  const hashes = new Set<string>();
  for (let n = 0; n < 100_000; n++) hashes.add(Buffer.from(payloadHash(Buffer.from(`{"n":${n}}`))).toString("hex"));
  expect(hashes.size).toBe(100_000);
});

test.each([
  ["", "00000000000000000000000000000000"],
  ["hello", "a044242bf7de91dbb631db9ab631db9a"],
  ["The quick brown fox jumps over the lazy dog", "c383152f672ceeec6cf67b5d2c1de9e5"],
])("%j has the hash that MurmurHash3_x86_128 gives", (text, expected) => {
  expect(Buffer.from(payloadHash(Buffer.from(text))).toString("hex")).toBe(expected);
});
