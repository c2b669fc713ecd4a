import fc from "fast-check";
import { expect, test } from "vitest";
import { timeText } from "./time-text.ts";

test("times are what Date makes of them, from 1970 to 9999", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (wallMs) => {
      expect(timeText(wallMs)).toBe(new Date(wallMs).toISOString());
    }),
    { numRuns: 2000 },
  );
});

test.each([
  "2024-02-29T23:59:59.999Z",
  "2000-03-01T00:00:00.000Z",
  "2100-02-28T12:00:00.001Z",
  "1970-01-01T00:00:00.000Z",
])("%s", (time) => {
  expect(timeText(Date.parse(time))).toBe(time);
});
