/** What a run needs: the scenario, a server, and processes that put load on it. */
import { randomInt } from "node:crypto";
import { GeneratorPool } from "../generator/generator-pool.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { cpuSeconds, mainThreadCpuSeconds } from "../server/process-figures.ts";
import type { ServerUnderLoad } from "../server/server-under-load.ts";
import { RUN_CHARS } from "../traffic/message-number.ts";

export interface RunContext {
  readonly scenario: Scenario;
  readonly server: ServerUnderLoad;
  readonly generators: number;
  /** One line that the next one overwrites. */
  readonly progress: (line: string) => void;
}

/** A prefix for all ids, so that runs on one server do not meet. */
export function newRunId(): string {
  const digits = randomInt(36 ** (RUN_CHARS - 1)).toString(36);
  return `b${digits.padStart(RUN_CHARS - 1, "0")}`;
}

/** Generators that end with the work. */
export async function withGenerators<Value>(
  context: RunContext,
  work: (pool: GeneratorPool) => Promise<Value>,
): Promise<Value> {
  using pool = new GeneratorPool(context.generators);
  return await work(pool);
}

/** The server's CPU seconds so far; undefined without a pid. */
export function serverCpu(context: RunContext): number | undefined {
  const { pid } = context.server;
  return pid === undefined ? undefined : cpuSeconds(pid);
}

export const TOKEN = "bench-token";
export function tokenOf(scenario: Scenario): string | undefined {
  return scenario.tokens ? TOKEN : undefined;
}

/** Of the thread with the event loop alone. */
export function serverMainThreadCpu(context: RunContext): number | undefined {
  const { pid } = context.server;
  return pid === undefined ? undefined : mainThreadCpuSeconds(pid);
}
