import { describe, expect, test } from "vitest";
import { delay } from "../in-parallel.ts";
import { exitCodeOf, type ScenarioResult, summarize } from "../report/scenario-result.ts";
import { type RunResult, runResult } from "../runs/run-result.ts";
import { parseScenario } from "../scenario/scenario-parser.ts";
import { type GeneratorUsage, GeneratorUsageMeter, isSaturated, isStarved } from "./generator-usage.ts";

const CALM: GeneratorUsage = { cores: 0.4, utilization: 0.5, delayP99Ms: 1, delayMaxMs: 3 };
const SATURATED: GeneratorUsage = { cores: 0.99, utilization: 1, delayP99Ms: 60, delayMaxMs: 90 };

function resultWith(usage: GeneratorUsage): ScenarioResult {
  const run: RunResult = runResult({ figures: {}, generators: [CALM, usage], faults: [] });
  return summarize(parseScenario("title: t\nlogins: {}", "t"), [run]);
}

describe("a saturated generator", () => {
  test("is one without CPU time left whose events wait", () => {
    expect(isSaturated(SATURATED)).toBe(true);
    expect(isSaturated(CALM)).toBe(false);
    expect(isSaturated({ ...SATURATED, delayP99Ms: 2 })).toBe(false);
    expect(isSaturated({ ...SATURATED, cores: 0.5 })).toBe(false);
  });

  test("is not one that other processes kept from a core, which is told apart", () => {
    const starved = { ...SATURATED, cores: 0.5 };
    expect(isStarved(starved)).toBe(true);
    expect(isStarved(SATURATED)).toBe(false);
    expect(resultWith(starved).notes).toHaveLength(1);
  });

  test("makes a result invalid unless that is allowed", () => {
    expect(resultWith(SATURATED).isSaturated).toBe(true);
    expect(exitCodeOf([resultWith(CALM), resultWith(SATURATED)], false)).toBe(1);
    expect(exitCodeOf([resultWith(CALM), resultWith(SATURATED)], true)).toBe(0);
    expect(exitCodeOf([resultWith(CALM)], false)).toBe(0);
  });

  test("is seen by the meter", async () => {
    const meter = new GeneratorUsageMeter();
    meter.start();
    await delay(30);
    const endMs = performance.now() + 300;
    while (performance.now() < endMs) {
      // Busy.
    }
    await delay(30);
    const usage = meter.read();
    expect(usage.cores).toBeGreaterThan(0.1);
    expect(usage.delayMaxMs).toBeGreaterThan(200);
  });
});
