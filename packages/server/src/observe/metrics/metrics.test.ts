import { expect, test } from "vitest";
import { COUNTS, Histogram } from "../histogram.ts";
import type { Family } from "./family.ts";
import { Metrics } from "./metrics.ts";

interface Numbers {
  readonly count: number;
}

const COUNT: Family<Numbers> = { name: "wk_a_total", kind: "counter", help: "As.", read: ({ count }) => count };

function never(error: unknown): void {
  throw error;
}

test("a plain number is one line behind its help and kind, read anew at each scrape", async () => {
  const metrics = new Metrics(never);
  let count = 1;
  metrics.add([COUNT], () => ({ count: count++ }));
  expect(await metrics.text()).toBe("# HELP wk_a_total As.\n# TYPE wk_a_total counter\nwk_a_total 1\n");
  expect(await metrics.text()).toContain("\nwk_a_total 2\n");
});

test("labels and help are escaped", async () => {
  const metrics = new Metrics(never);
  const labelled: Family<Numbers> = {
    name: "wk_b",
    kind: "gauge",
    help: "a\nb\\c",
    labels: ["x", "y"],
    read: ({ count }) => [{ labels: ['"\\\n', ""], value: count }],
  };
  metrics.add([labelled], async () => ({ count: Number.POSITIVE_INFINITY }));
  expect(await metrics.text()).toBe('# HELP wk_b a\\nb\\\\c\n# TYPE wk_b gauge\nwk_b{x="\\"\\\\\\n",y=""} +Inf\n');
});

test("a histogram adds its buckets up, ends included, and has one without end", async () => {
  const histogram = new Histogram([1, 2.5, 10]);
  for (const value of [0, 1, 1.5, 2.5, 3, 11]) histogram.observe(value);
  const metrics = new Metrics(never);
  metrics.add([{ name: "wk_h", kind: "histogram", help: "h", read: () => histogram.snapshot() }], () => undefined);
  expect((await metrics.text()).split("\n").slice(2, -1)).toEqual([
    'wk_h_bucket{le="1"} 2',
    'wk_h_bucket{le="2.5"} 4',
    'wk_h_bucket{le="10"} 5',
    'wk_h_bucket{le="+Inf"} 6',
    "wk_h_sum 19",
    "wk_h_count 6",
  ]);
});

test("a summary has its quantiles, sum and count", async () => {
  const metrics = new Metrics(never);
  const value = { quantiles: [{ quantile: 0.5, value: 3 }], sum: 7, count: 2 };
  metrics.add([{ name: "wk_s", kind: "summary", help: "s", read: () => value }], () => undefined);
  expect((await metrics.text()).split("\n").slice(2, -1)).toEqual([
    'wk_s{quantile="0.5"} 3',
    "wk_s_sum 7",
    "wk_s_count 2",
  ]);
});

test("two metrics of one name are refused", () => {
  const metrics = new Metrics(never);
  metrics.add([COUNT], () => ({ count: 0 }));
  expect(() => metrics.add([COUNT], () => ({ count: 0 }))).toThrow("wk_a_total");
});

test("a part that fails is missing in the answer, and the others are not", async () => {
  const failures: unknown[] = [];
  const metrics = new Metrics((error) => failures.push(error));
  metrics.add([{ ...COUNT, name: "wk_broken_total" }], () => Promise.reject(new Error("no")));
  metrics.add([COUNT], () => ({ count: 4 }));
  expect(await metrics.text()).toBe("# HELP wk_a_total As.\n# TYPE wk_a_total counter\nwk_a_total 4\n");
  expect(failures).toHaveLength(1);
});

test("the snapshot of a histogram is plain data that later observations do not change", () => {
  const histogram = new Histogram(COUNTS);
  const before = histogram.snapshot();
  histogram.observe(3);
  expect(before.counts.every((count) => count === 0)).toBe(true);
  expect(structuredClone(histogram.snapshot())).toEqual(histogram.snapshot());
});
