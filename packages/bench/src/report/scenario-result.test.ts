import { describe, expect, test } from "vitest";
import { type RunResult, runResult } from "../runs/run-result.ts";
import { parseScenario } from "../scenario/scenario-parser.ts";
import { markdownReport } from "./markdown-report.ts";
import { exitCodeOf, medianOf, summarize } from "./scenario-result.ts";

const SCENARIO = parseScenario(
  "title: a < b\nlogins: {}\ngoals: { rate: { min: 20 }, ms: { max: 5 }, other: { min: 1 } }\noriginal: { rate: 10 }",
  "t",
);

function run(rate: number, ms: number, faults: readonly string[] = []): RunResult {
  return runResult({
    figures: { rate, ms },
    generators: [],
    faults,
    rates: [
      { second: 1, sendsPerSecond: 5, deliveriesPerSecond: 6 },
      { second: 2, sendsPerSecond: 7, deliveriesPerSecond: 8 },
    ],
  });
}

describe("the result of a scenario", () => {
  test("is the median of its runs with their spread", () => {
    const { figures } = summarize(SCENARIO, [run(30, 4), run(10, 6), run(20, 5)]);
    expect(figures["rate"]).toEqual({ median: 20, min: 10, max: 30 });
    expect(medianOf([1, 2, 3, 10])).toBe(2.5);
  });

  test("says which goals were reached, and that one was not measured", () => {
    const { goals } = summarize(SCENARIO, [run(19, 5)]);
    expect(goals.map((goal) => [goal.figure, goal.isReached])).toEqual([
      ["rate", false],
      ["ms", true],
      ["other", false],
    ]);
  });

  test("fails with a fault of any run", () => {
    const result = summarize(SCENARIO, [run(1, 1), run(1, 1, ["missing: 3"])]);
    expect(result.faults).toEqual(["missing: 3"]);
    expect(exitCodeOf([result], true)).toBe(1);
  });

  test("is a report with ratios and plots", () => {
    const machine = { cpu: "c", cores: 2, memoryGigabytes: 8, system: "s", node: "v", load: 0 };
    const results = [summarize(SCENARIO, [run(30, 4)])];
    const report = { date: "2026-01-01", command: "bench", machine, generators: 1, isOwnServer: true, results };
    const { text, plots } = markdownReport(report);
    expect(text).toContain("| rate | 30 | 10 | × 3 |");
    expect(plots.size).toBeGreaterThan(0);
    for (const [file, svg] of plots) {
      expect(text).toContain(`](${file})`);
      expect(svg).toMatch(/^<svg.*<\/svg>$/s);
    }
    expect(text).toContain("**missed**: other at least 1, measured not measured");
    expect(text.match(/^# /gm)).toHaveLength(1);
  });
});
