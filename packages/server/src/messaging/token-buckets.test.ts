import { expect, test } from "vitest";
import { type Bucket, type BucketRate, msUntilToken, rateOf, TokenBuckets, takeTokens } from "./token-buckets.ts";

const RATE: BucketRate = { perSecond: 10, burst: 5 };

test("a full bucket gives its burst at once and then nothing", () => {
  const bucket: Bucket = { fullAtMs: 0 };
  expect(takeTokens(bucket, RATE, 1_000, 3)).toBe(3);
  expect(takeTokens(bucket, RATE, 1_000, 3)).toBe(2);
  expect(takeTokens(bucket, RATE, 1_000, 1)).toBe(0);
});

test("a token comes back after one interval, and refusals do not put it off", () => {
  const bucket: Bucket = { fullAtMs: 0 };
  takeTokens(bucket, RATE, 0, 5);
  expect(msUntilToken(bucket, RATE, 0)).toBe(100);
  for (let nowMs = 0; nowMs < 99; nowMs++) expect(takeTokens(bucket, RATE, nowMs, 1)).toBe(0);
  expect(takeTokens(bucket, RATE, 100, 5)).toBe(1);
  expect(msUntilToken(bucket, RATE, 130)).toBe(70);
});

test("a bucket that rests is full again and never fuller", () => {
  const bucket: Bucket = { fullAtMs: 0 };
  takeTokens(bucket, RATE, 0, 5);
  expect(takeTokens(bucket, RATE, 1_000_000, 1_000)).toBe(5);
});

test("over a long time exactly the rate is granted, in whatever portions it is asked for", () => {
  for (const portion of [1, 2, 3, 7, 64]) {
    const rate: BucketRate = { perSecond: 333, burst: 50 };
    const bucket: Bucket = { fullAtMs: 0 };
    let granted = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += 7) granted += takeTokens(bucket, rate, nowMs, portion * 10);
    expect(granted).toBeGreaterThanOrEqual(333 * 60 - 50);
    expect(granted).toBeLessThanOrEqual(333 * 60 + 50);
  }
});

test("keys do not share, and the one used longest ago is forgotten when there are too many", () => {
  let nowMs = 0;
  const buckets = new TokenBuckets({ monotonicMs: () => nowMs }, { ...RATE, countMax: 2 });
  expect([buckets.take("a", 5), buckets.take("b", 5), buckets.take("a", 1), buckets.take("b", 1)]).toEqual([
    5, 5, 0, 0,
  ]);
  expect(buckets.retryAfterMs("a")).toBe(100);
  buckets.take("a", 1);
  buckets.take("c", 1);
  expect(buckets.count).toBe(2);
  expect(buckets.take("a", 1), "a was used later than b").toBe(0);
  expect(buckets.take("b", 5), "b was forgotten").toBe(5);
  nowMs = 100;
  expect(buckets.retryAfterMs("nobody")).toBe(1);
});

test("a rate of 0 is no limit, and a burst of 0 one second's worth", () => {
  expect(rateOf(0, 7)).toBeUndefined();
  expect(rateOf(20, 0)).toEqual({ perSecond: 20, burst: 20 });
  expect(rateOf(20, 3)).toEqual({ perSecond: 20, burst: 3 });
});
