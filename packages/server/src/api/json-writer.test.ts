import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeJson, writeList, writeText } from "./json-writer.ts";

const soon = (run: () => void): void => queueMicrotask(run);

describe("answers as JSON text", () => {
  test("64-bit numbers are written out exactly and bare", () => {
    expect(writeJson({ id: 18446744073709551615n, list: [-9223372036854775808n, 1] })).toBe(
      '{"id":18446744073709551615,"list":[-9223372036854775808,1]}',
    );
  });

  test("without them, the text is what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // What JSON can hold, a JsonValue can.
        expect(JSON.parse(writeJson(value as Parameters<typeof writeJson>[0]))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  test("any text comes back as it was, control characters included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(JSON.parse(writeText(text))).toBe(text);
      }),
    );
    expect(writeText('\0\n"\\\u2028')).toBe('"\\u0000\\n\\"\\\\\u2028"');
  });
});

describe("long lists", () => {
  test("are written whole and in order", async () => {
    const items = Array.from({ length: 1234 }, (_, index) => index);
    expect(JSON.parse(await writeList(items, String, { soon }))).toEqual(items);
    expect(await writeList([], String, { soon })).toBe("[]");
  });

  test("let other work go between slices", async () => {
    let turns = 0;
    const counting = {
      soon: (run: () => void) =>
        soon(() => {
          turns++;
          run();
        }),
    };
    await writeList(new Array<number>(500).fill(1), String, counting);
    expect(turns).toBe(0);
    await writeList(new Array<number>(501).fill(1), String, counting);
    expect(turns).toBe(1);
  });
});
