/** What a generator process used itself, so that a result it limited can be refused. */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";

export interface GeneratorUsage {
  /** CPU time of the process over wall time; 1 is one core. */
  readonly cores: number;
  /** Share of the time in which the event loop had something to do, 0 to 1. */
  readonly utilization: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const SATURATED_CORES = 0.95;
const SATURATED_DELAY_MS = 20;
const BUSY_UTILIZATION = 0.98;
const RESOLUTION_MS = 5;

/** The process itself was the limit: it had no CPU time left and its events waited. */
export function isSaturated(usage: GeneratorUsage): boolean {
  return usage.cores >= SATURATED_CORES && usage.delayP99Ms >= SATURATED_DELAY_MS;
}

/** It always had something to do but got no whole core: something else on the machine took the time. */
export function isStarved(usage: GeneratorUsage): boolean {
  return !isSaturated(usage) && usage.utilization >= BUSY_UTILIZATION && usage.cores < SATURATED_CORES;
}

export class GeneratorUsageMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #cpu: NodeJS.CpuUsage = process.cpuUsage();
  #loop: EventLoopUtilization = performance.eventLoopUtilization();
  #startMs = performance.now();

  start(): void {
    this.#delay.enable();
    this.#delay.reset();
    this.#cpu = process.cpuUsage();
    this.#loop = performance.eventLoopUtilization();
    this.#startMs = performance.now();
  }

  /** Since `start`. */
  read(): GeneratorUsage {
    const cpu = process.cpuUsage(this.#cpu);
    return {
      cores: (cpu.user + cpu.system) / 1_000 / (performance.now() - this.#startMs),
      utilization: performance.eventLoopUtilization(this.#loop).utilization,
      delayP99Ms: Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION_MS),
      delayMaxMs: Math.max(0, this.#delay.max / 1e6 - RESOLUTION_MS),
    };
  }
}
