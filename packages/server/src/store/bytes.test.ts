import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "./bytes.ts";

type Part =
  | { readonly kind: "u8" | "u16" | "u32" | "u48" | "varint"; readonly value: number }
  | { readonly kind: "text"; readonly value: string };

const whole = (kind: "u8" | "u16" | "u32" | "u48" | "varint", bits: number): fc.Arbitrary<Part> =>
  fc.integer({ min: 0, max: 2 ** bits - 1 }).map((value) => ({ kind, value }));
const part: fc.Arbitrary<Part> = fc.oneof(
  whole("u8", 8),
  whole("u16", 16),
  whole("u32", 32),
  whole("u48", 48),
  whole("varint", 48),
  whole("varint", 8),
  fc.string({ unit: "grapheme", maxLength: 300 }).map((value): Part => ({ kind: "text", value })),
);

function write(writer: ByteWriter, parts: readonly Part[]): Uint8Array {
  writer.begin();
  for (const { kind, value } of parts) {
    if (kind === "text") writer.text(value);
    else writer[kind](value);
  }
  return writer.take();
}

describe("bytes", () => {
  test("come back as they were written, also with a writer that was used before", () => {
    const writer = new ByteWriter();
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const reader = new ByteReader(write(writer, parts));
        expect(parts.map(({ kind }) => ({ kind, value: reader[kind]() }))).toEqual(parts);
        expect(reader.rest().length).toBe(0);
      }),
    );
  });

  test("grow with what is written, beyond the writer's first buffer", () => {
    const large = Buffer.alloc(100_000, 7);
    const written = new ByteWriter().begin().u8(1).raw(large).text("x".repeat(60_000)).u8(2).take();
    const reader = new ByteReader(written);
    expect(reader.u8()).toBe(1);
    expect(Buffer.from(reader.raw(large.length)).equals(large)).toBe(true);
    expect(reader.text().length).toBe(60_000);
    expect(reader.u8()).toBe(2);
  });

  test("handed out are not changed by what is written next", () => {
    const writer = new ByteWriter();
    const first = writer.begin().text("first").take();
    writer.begin().text("other").take();
    expect(new ByteReader(first).text()).toBe("first");
  });

  test("of small numbers are few in a varint", () => {
    const lengths = [0, 127, 128, 16_383, 16_384, 2 ** 48 - 1].map(
      (value) => new ByteWriter().begin().varint(value).take().length,
    );
    expect(lengths).toEqual([1, 1, 2, 2, 3, 7]);
  });

  test("sort as the numbers do", () => {
    const writer = new ByteWriter();
    const number = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [one, other] = [writer.begin().u48(a).take(), writer.begin().u48(b).take()];
        expect(Math.sign(Buffer.compare(one, other))).toBe(Math.sign(a - b));
      }),
    );
  });

  test("of a message id sort as the id does, in both halves unsigned", () => {
    const writer = new ByteWriter();
    const ids = [
      { high: 0, low: 1 },
      { high: 0, low: 0xffffffff },
      { high: 1, low: 0 },
      { high: 0xffffffff, low: 0 },
    ];
    const written = ids.map((id) => writer.begin().id(id).take());
    expect([...written].sort((a, b) => Buffer.compare(a, b))).toEqual(written);
    expect(written.map((bytes) => new ByteReader(bytes).id())).toEqual(ids);
  });

  test("of another text never end where this one's begin: no two pairs of texts are the same bytes", () => {
    const writer = new ByteWriter();
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\0", "\u0001", "é", "&"), maxLength: 4 });
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        const [one, other] = [writer.begin().text(a).text(b).take(), writer.begin().text(c).text(d).take()];
        expect(Buffer.compare(one, other) === 0).toBe(a === c && b === d);
      }),
    );
  });

  test("refuse what has no room: a number or a text that would come back as another one", () => {
    const writer = new ByteWriter();
    expect(() => writer.begin().u16(65_536)).toThrow(RangeError);
    expect(() => writer.begin().u48(2 ** 48)).toThrow(RangeError);
    expect(() => writer.begin().u48(-1)).toThrow(RangeError);
    expect(() => writer.begin().text("x".repeat(65_536))).toThrow(RangeError);
    expect(() => new ByteReader(Uint8Array.of(1)).u16()).toThrow(RangeError);
  });

  test("are read from the middle of a larger buffer", () => {
    const around = Uint8Array.of(9, 9, 0, 1, 65, 9);
    expect(new ByteReader(around.subarray(2, 5)).text()).toBe("A");
    expect(new ByteReader(around, 2).text()).toBe("A");
  });
});
