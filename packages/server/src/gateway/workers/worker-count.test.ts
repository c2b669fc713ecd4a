import { expect, test } from "vitest";
import { workersFor } from "./worker-count.ts";

test.each([
  [0, 8, 0],
  [3, 1, 3],
  ["auto", 1, 0],
  ["auto", 2, 0],
  ["auto", 3, 2],
  ["auto", 8, 7],
  ["auto", 96, 8],
] as const)("gateway.workers: %s on %i cores is %i", (wanted, cores, count) => {
  expect(workersFor(wanted, { cores })).toBe(count);
});

test("where threads cannot listen together there are none", () => {
  expect(workersFor(4, undefined)).toBe(0);
  expect(workersFor("auto", undefined)).toBe(0);
});
