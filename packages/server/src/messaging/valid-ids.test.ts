import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fits, hasSpecialCharacters, isChannelId, isUid } from "./valid-ids.ts";

describe("a uid", () => {
  test.each(["a", "用户", "a b", "x".repeat(255), "é".repeat(127), "a|b", "\0", "____manager"])("may be %j", (uid) => {
    expect(isUid(uid)).toBe(true);
  });

  test.each(["", " ", "\t", "a@b", "a#b", "a&b", "a____cmd", "x".repeat(256), "é".repeat(128)])(
    "may not be %j: nobody could write to him",
    (uid) => {
      expect(isUid(uid)).toBe(false);
    },
  );
});

test("a channel id may have the characters of WuKongIM's own formats, and up to 512 bytes", () => {
  for (const id of ["a@b", "v|shop", "g____cmd", "用".repeat(170), "x".repeat(512)]) expect(isChannelId(id)).toBe(true);
  for (const id of ["", "  ", "x".repeat(513), "用".repeat(171)]) expect(isChannelId(id)).toBe(false);
  expect(["a@b", "a#b", "a&b", "a|b", ""].map((id) => hasSpecialCharacters(id))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("whether a text fits is a question of its UTF-8 bytes", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  fc.assert(
    fc.property(text, fc.nat(60), (value, bytesMax) => {
      expect(fits(value, bytesMax)).toBe(Buffer.byteLength(value) <= bytesMax);
    }),
  );
});
