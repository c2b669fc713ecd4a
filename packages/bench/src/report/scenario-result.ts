/** The runs of one scenario put together: medians, spread, goals. This is what the JSON file holds. */
import type { RunResult } from "../runs/run-result.ts";
import type { Goal, Scenario } from "../scenario/scenario.ts";

export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface GoalOutcome extends Goal {
  readonly value: number | undefined;
  readonly isReached: boolean;
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly goals: readonly GoalOutcome[];
  readonly runs: readonly RunResult[];
  readonly faults: readonly string[];
  readonly notes: readonly string[];
  /** The generator was the limit: the figures say nothing of the server. */
  readonly isSaturated: boolean;
}

/** At least one run. */
export function summarize(scenario: Scenario, runs: readonly RunResult[]): ScenarioResult {
  const figures: Record<string, Figure> = {};
  for (const name of new Set(runs.flatMap((run) => Object.keys(run.figures)))) {
    const values = runs.flatMap((run) => run.figures[name] ?? []);
    figures[name] = { median: medianOf(values), min: Math.min(...values), max: Math.max(...values) };
  }
  return {
    scenario,
    figures,
    goals: scenario.goals.map((goal) => outcomeOf(goal, figures[goal.figure]?.median)),
    runs,
    faults: [...new Set(runs.flatMap((run) => run.faults))],
    notes: [...new Set(runs.flatMap((run) => run.notes))],
    isSaturated: runs.some((run) => run.isSaturated),
  };
}

/** What the process ends with: 1 when the server failed, or when a generator was the limit and that was not allowed. */
export function exitCodeOf(results: readonly ScenarioResult[], allowsSaturated: boolean): 0 | 1 {
  return results.some((result) => result.faults.length > 0 || (result.isSaturated && !allowsSaturated)) ? 1 : 0;
}

/** Of at least one value; the mean of the middle two of an even number. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function outcomeOf(goal: Goal, value: number | undefined): GoalOutcome {
  const isReached = value !== undefined && value >= (goal.min ?? -Infinity) && value <= (goal.max ?? Infinity);
  return { ...goal, value, isReached };
}
