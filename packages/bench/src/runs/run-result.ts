/** What one run of a scenario gave. */
import type { GeneratorUsage } from "../generator/generator-usage.ts";
import { isSaturated, isStarved } from "../generator/generator-usage.ts";
import type { Latencies, LatencySummary } from "../latencies.ts";

export interface RatePoint {
  /** Since the beginning of what is measured. */
  readonly second: number;
  readonly sendsPerSecond: number;
  readonly deliveriesPerSecond: number;
}

export interface LatencyCurve {
  readonly name: string;
  readonly summary: LatencySummary;
  /** Percent and milliseconds. */
  readonly points: readonly (readonly [number, number])[];
}

export interface RunResult {
  /** By name; the unit is the end of the name. */
  readonly figures: Readonly<Record<string, number>>;
  readonly latencies: readonly LatencyCurve[];
  readonly rates: readonly RatePoint[];
  readonly generators: readonly GeneratorUsage[];
  /** What must not be: lost or disordered messages, failed requests. */
  readonly faults: readonly string[];
  readonly notes: readonly string[];
  /** The generator, not the server, was the limit. */
  readonly isSaturated: boolean;
}

const CURVE_PERCENTS = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 100];

export function curveOf(name: string, latencies: Latencies): LatencyCurve {
  return {
    name,
    summary: latencies.summary(),
    points: CURVE_PERCENTS.map((percent) => [percent, latencies.percentile(percent)]),
  };
}

/** p50 to max as figures: `ackP50Ms` and so on. */
export function latencyFigures(prefix: string, latencies: Latencies): Record<string, number> {
  const { count, p50Ms, p95Ms, p99Ms, p999Ms, maxMs } = latencies.summary();
  if (count === 0) return {};
  return {
    [`${prefix}P50Ms`]: p50Ms,
    [`${prefix}P95Ms`]: p95Ms,
    [`${prefix}P99Ms`]: p99Ms,
    [`${prefix}P999Ms`]: p999Ms,
    [`${prefix}MaxMs`]: maxMs,
  };
}

/** Completes what every kind of run says of its generators. */
export function runResult(
  result: Omit<RunResult, "isSaturated" | "rates" | "latencies" | "notes"> & Partial<RunResult>,
): RunResult {
  const { generators } = result;
  const notes = [...(result.notes ?? [])];
  if (generators.some(isStarved)) {
    notes.push("a generator was busy all the time without getting a whole core: other processes took the machine");
  }
  const cores = generators.reduce((sum, usage) => sum + usage.cores, 0);
  const delayP99Ms = Math.max(0, ...generators.map((usage) => usage.delayP99Ms));
  return {
    latencies: [],
    rates: [],
    ...result,
    figures: { ...result.figures, generatorCores: cores, generatorDelayP99Ms: delayP99Ms },
    notes,
    isSaturated: generators.some(isSaturated),
  };
}
