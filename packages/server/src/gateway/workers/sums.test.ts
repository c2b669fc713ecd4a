import { expect, test } from "vitest";
import { sumOf } from "./sums.ts";

test("counters are added member by member, whatever they hold", () => {
  const one = { sends: 1, closes: { idle: 2, kicked: 0 }, buckets: [1, 0, 3] };
  const other = { sends: 10, closes: { idle: 20, kicked: 5 }, buckets: [0, 1, 1] };
  expect(sumOf([one, other, one])).toEqual({ sends: 12, closes: { idle: 24, kicked: 5 }, buckets: [2, 1, 7] });
  expect(sumOf([one])).toEqual(one);
  expect(one.sends).toBe(1);
});

test("a counter that only one of them has is kept", () => {
  expect(sumOf<object>([{ a: 1 }, { b: 2 }, { a: 3 }])).toEqual({ a: 4, b: 2 });
});
