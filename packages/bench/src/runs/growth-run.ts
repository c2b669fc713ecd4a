/** What a message costs as channels and stored messages grow: the same senders, more persons to write to, more behind them. */
import type { GrowthWork } from "../scenario/scenario.ts";
import { roundsOf } from "./flow-shapes.ts";
import { newRunId, type RunContext } from "./run-context.ts";
import type { RunResult } from "./run-result.ts";
import { runTraffic } from "./traffic-run.ts";

/** One run of filling; between runs the count of what is stored is known exactly. */
const FILL_SECONDS_MAX = 30;
const FILL_WINDOW = 64;

export async function runGrowth(context: RunContext, work: GrowthWork): Promise<RunResult> {
  const { scenario } = context;
  const figures: Record<string, number> = {};
  const results: RunResult[] = [];
  const users = newRunId();
  let stored = 0;
  const run = async (channels: number, window: number, seconds: number, warmUpSeconds: number): Promise<RunResult> => {
    const peers = Math.max(1, Math.round(channels / work.senders));
    const flow = roundsOf(work.senders, peers, window, work.payload);
    const result = await runTraffic(context, { users, flows: [flow], warmUpSeconds, seconds, verification: true });
    stored += result.figures["messages"]!;
    return result;
  };
  for (const step of work.steps) {
    let perSecond = 10_000;
    while (stored < step.stored) {
      const seconds = Math.min(FILL_SECONDS_MAX, Math.max(1, (step.stored - stored) / perSecond));
      const filling = await run(step.channels, FILL_WINDOW, seconds, 0);
      perSecond = filling.figures["sendsPerSecond"]!;
    }
    const result = await run(step.channels, work.window, scenario.seconds, scenario.warmUpSeconds);
    results.push(result);
    const name = `at${step.channels}Channels${step.stored}Stored`;
    for (const key of ["sendsPerSecond", "ackP99Ms", "serverMicrosPerMessage"]) {
      const value = result.figures[key];
      if (value !== undefined) figures[`${name}.${key}`] = value;
    }
  }
  const cost = results.map((result) => result.figures["serverMicrosPerMessage"]);
  const [first, last] = [cost[0], cost.at(-1)];
  return {
    ...results.at(-1)!,
    figures: {
      ...results.at(-1)!.figures,
      ...figures,
      stored,
      ...(first === undefined || last === undefined ? {} : { costRatio: last / first }),
    },
    faults: results.flatMap((result) => result.faults),
    isSaturated: results.some((result) => result.isSaturated),
  };
}
