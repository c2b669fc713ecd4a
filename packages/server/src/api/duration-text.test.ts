import { expect, test } from "vitest";
import { durationText } from "./duration-text.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;

test.each([
  [0, "0s"],
  [-5 * SECOND, "0s"],
  [5_999, "5s"],
  [65 * SECOND, "1m5s"],
  [3600 * SECOND, "1h0m0s"],
  [2 * DAY + 11_045 * SECOND, "2d3h4m5s"],
  [367 * DAY, "1y2d0h0m0s"],
])("%i ms are %s", (durationMs, text) => {
  expect(durationText(durationMs)).toBe(text);
});
