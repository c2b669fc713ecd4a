/**
 * The whole server in one process, from a seed: three users with several devices each, of all generations of clients,
 * who chat, retry, join, leave, read, delete and sync commands, while the process crashes, writes fail and the clock is
 * set back. What was promised is checked against the users' own records.
 *
 *   WK_SEEDS=20000 vitest run --project unit packages/server/src/simulation     more seeds
 *   WK_SEED=17 vitest run …                                                    one seed again
 */
import { expect, test } from "vitest";
import { Run } from "./run.ts";

async function play(seed: number, trace?: (line: string) => void): Promise<void> {
  try {
    await new Run(seed, trace).play();
  } catch (error) {
    throw new Error(
      `seed ${seed} (again with WK_SEED=${seed}): ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

const only = process.env["WK_SEED"];
const seeds = Number(process.env["WK_SEEDS"] ?? 1000);
const first = Number(process.env["WK_SEED_FIRST"] ?? 1);

test(only === undefined
  ? `promises 1 to 5 hold after every crash of ${seeds} seeds`
  : `promises 1 to 5 hold after every crash of seed ${only}`, { timeout: 3_600_000 }, async () => {
  if (only !== undefined) await play(Number(only));
  else for (let seed = first; seed < first + seeds; seed++) await play(seed);
});

test("the same seed gives the same run, event by event", async () => {
  const traces = [[] as string[], [] as string[]] as const;
  for (const trace of traces) await play(4711, (line) => trace.push(line));
  expect(traces[0].length).toBeGreaterThan(400);
  expect(traces[1]).toEqual(traces[0]);
});
