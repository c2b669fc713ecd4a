/** 64-bit integers in halves, as bigint, text and decimal bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeSignedDecimal, writeUnsignedDecimal } from "./decimal.ts";
import { int64FromBigInt, int64FromText, int64ToBigInt, int64ToText, writeInt64Decimal } from "./int64.ts";

const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const edges = [0n, 1n, -1n, 9n, 10n, 999_999_999n, 1_000_000_000n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n]
  .concat([2n ** 53n, 2n ** 53n + 1n, 10n ** 18n - 1n, 10n ** 18n, 1999999999999999999n, 2n ** 63n - 1n, -(2n ** 63n)])
  .map((value): [bigint] => [value]);

function written(write: (bytes: Uint8Array, offset: number) => number): string {
  const bytes = new Uint8Array(24);
  const end = write(bytes, 2);
  return Buffer.from(bytes.subarray(2, end)).toString();
}

describe("64-bit integers", () => {
  test("go through every form unchanged", () => {
    fc.assert(
      fc.property(i64, (value) => {
        const halves = int64FromBigInt(value);
        expect(int64ToBigInt(halves)).toBe(value);
        expect(int64ToText(halves)).toBe(String(value));
        expect(int64FromText(String(value))).toEqual(halves);
        expect(written((bytes, offset) => writeInt64Decimal(bytes, offset, halves))).toBe(String(value));
      }),
      { numRuns: 2000, examples: edges },
    );
  });

  test("take only decimal digits within 64 bits as text", () => {
    for (const bad of [
      "",
      "abc",
      "1.0",
      "1e3",
      "0x1",
      " 1",
      "1 ",
      "--1",
      "+1",
      "9223372036854775808",
      "-9223372036854775809",
    ]) {
      expect(int64FromText(bad)).toBeUndefined();
    }
    expect(int64FromText("007")).toEqual({ high: 0, low: 7 });
  });
});

describe("decimal digits", () => {
  test("of any safe integer are its text", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(written((bytes, offset) => writeUnsignedDecimal(bytes, offset, value))).toBe(String(value));
      }),
      {
        numRuns: 1000,
        examples: [[0], [9], [10], [4294967295], [4294967296], [42949672959], [Number.MAX_SAFE_INTEGER]],
      },
    );
  });

  test("of any 32-bit integer have its sign", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(written((bytes, offset) => writeSignedDecimal(bytes, offset, value))).toBe(String(value));
      }),
      { examples: [[-0x8000_0000], [-1], [0]] },
    );
  });
});
