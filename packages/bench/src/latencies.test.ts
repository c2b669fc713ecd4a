import { describe, expect, test } from "vitest";
import { Latencies } from "./latencies.ts";

describe("latencies", () => {
  test("percentiles are within three significant digits", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 10_000; ms++) latencies.record(ms);
    const summary = latencies.summary();
    expect(summary.count).toBe(10_000);
    for (const [value, wanted] of [
      [summary.p50Ms, 5_000],
      [summary.p90Ms, 9_000],
      [summary.p99Ms, 9_900],
      [summary.p999Ms, 9_990],
      [summary.maxMs, 10_000],
      [summary.meanMs, 5_000.5],
    ] as const) {
      expect(Math.abs(value - wanted) / wanted).toBeLessThan(0.001);
    }
  });

  test("nothing recorded is 0 everywhere", () => {
    expect(Object.values(new Latencies().summary())).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test("those of two processes add up after encoding", () => {
    const quick = new Latencies();
    const slow = new Latencies();
    for (let count = 0; count < 99; count++) quick.record(1);
    slow.record(500);
    const all = new Latencies();
    for (const each of [quick, slow]) all.add(Latencies.decode(each.encode()));
    expect(all.count).toBe(100);
    expect(all.percentile(50)).toBeCloseTo(1, 2);
    expect(all.summary().maxMs).toBeGreaterThan(499);
  });

  test("what takes longer than ten minutes counts as ten minutes", () => {
    const latencies = new Latencies();
    latencies.record(1e9);
    expect(latencies.summary().maxMs).toBeGreaterThan(599_000);
  });
});
