import { expect, test } from "vitest";
import { SendTimes } from "./send-times.ts";

test("the time of a message is known until later ones need its place", () => {
  const times = new SendTimes(4);
  for (let n = 1; n <= 6; n++) times.set(n, 10 * n, n);
  expect([1, 2, 3, 4, 5, 6].map((n) => times.at(n))).toEqual([undefined, undefined, 30, 40, 50, 60]);
});

test("a time that is still needed is not forgotten", () => {
  const times = new SendTimes(4);
  for (let n = 1; n <= 1_000; n++) times.set(n, n, 1);
  expect(times.at(1)).toBe(1);
  expect(times.at(1_000)).toBe(1_000);
});
