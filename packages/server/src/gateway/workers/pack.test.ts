import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PackReader, PackWriter } from "./pack.ts";

type Value =
  | { readonly kind: "u8" | "u32" | "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array };

const VALUE: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constant("number" as const), value: fc.oneof(fc.maxSafeInteger(), fc.double()) }),
  fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "binary", maxLength: 200 }) }),
  fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "grapheme-ascii", maxLength: 60 }) }),
  fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 300 }) }),
);

function write(pack: PackWriter, value: Value): void {
  if (value.kind === "text") pack.text(value.value);
  else if (value.kind === "bytes") pack.bytes(value.value);
  else pack[value.kind](value.value);
}

describe("a pack", () => {
  test("gives back what went in, in its order, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(VALUE, { maxLength: 60 }), fc.array(VALUE, { maxLength: 5 }), (first, second) => {
        const writer = new PackWriter();
        for (const values of [first, second]) {
          for (const value of values) write(writer, value);
          const length = writer.length;
          const packed = writer.take();
          expect(packed.byteLength).toBe(length);
          expect(writer.length).toBe(0);
          const reader = new PackReader(packed);
          for (const { kind, value } of values) expect(reader[kind]()).toEqual(value);
          expect(reader.isAtEnd).toBe(true);
        }
      }),
    );
  });

  test("grows with what goes in, and what it gave away does not change behind it", () => {
    const writer = new PackWriter();
    const large = new Uint8Array(3_000_000).fill(7);
    writer.text("before");
    writer.bytes(large);
    const first = writer.take();
    writer.text("after!");
    writer.take();
    const reader = new PackReader(first);
    expect(reader.text()).toBe("before");
    expect(Buffer.compare(reader.bytes(), large)).toBe(0);
  });

  test("that ends early is an error, not a value", () => {
    const writer = new PackWriter();
    writer.text("something");
    const whole = writer.take();
    for (let length = 0; length < whole.byteLength; length++) {
      const cut = new PackReader(whole.slice(0, length));
      expect(() => cut.text(), `${length} bytes`).toThrow(RangeError);
    }
  });
});
