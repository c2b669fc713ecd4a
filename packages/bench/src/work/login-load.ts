/** Users who log in, so many at a time, and stay. */
import type { GeneratorUsage, GeneratorUsageMeter } from "../generator/generator-usage.ts";
import { inParallel } from "../in-parallel.ts";
import { Latencies } from "../latencies.ts";
import type { Share } from "../traffic/layout.ts";
import { type LineUpPlan, lineUp } from "./line-up.ts";

export interface LoginPlan extends LineUpPlan {
  readonly users: number;
  readonly concurrency: number;
  readonly share: Share;
}

export interface LoginResult {
  readonly answered: number;
  /** Refused, closed, or silent for half a minute. */
  readonly unanswered: number;
  readonly seconds: number;
  readonly latencies: string;
  readonly usage: GeneratorUsage;
  readonly firstError: string | undefined;
}

export async function loadLogins(plan: LoginPlan, meter: GeneratorUsageMeter): Promise<LoginResult> {
  const latencies = new Latencies();
  const connections = lineUp(plan, plan.users, plan.share);
  let answered = 0;
  let unanswered = 0;
  let firstError: string | undefined;
  meter.start();
  const startMs = performance.now();
  await inParallel(connections, plan.concurrency, async (connection) => {
    const sentMs = performance.now();
    try {
      await connection.login();
      answered++;
      latencies.record(performance.now() - sentMs);
    } catch (error) {
      unanswered++;
      firstError ??= String(error);
    }
  });
  const seconds = (performance.now() - startMs) / 1_000;
  const usage = meter.read();
  for (const connection of connections) connection.close();
  return { answered, unanswered, seconds, latencies: latencies.encode(), usage, firstError };
}
