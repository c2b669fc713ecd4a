/**
 * Micro-benchmarks in interleaved rounds: every round runs each case once, so that what else the machine does meets all
 * of them alike. CPU time of the process, not wall time; medians of the rounds.
 */
import { medianOf } from "../report/scenario-result.ts";

export interface MicroCase {
  readonly name: string;
  /** Does the work `count` times; what it returns keeps the work from being optimised away. */
  readonly run: (count: number) => unknown;
  /** What one piece of work stands for, when it is several: the result is divided by it. */
  readonly units?: number;
}

export interface MicroResult {
  readonly name: string;
  /** CPU time of one unit. */
  readonly medianMicros: number;
  readonly minMicros: number;
  readonly maxMicros: number;
}

export interface RoundsOptions {
  readonly rounds: number;
  /** CPU time of one case in one round, roughly. */
  readonly caseMs: number;
}

const ROUNDS_DEFAULTS: RoundsOptions = { rounds: 9, caseMs: 60 };

const WARM_UP_MS = 100;

/** Cases may be asynchronous: their promise is waited for. */
export async function measureInRounds(
  cases: readonly MicroCase[],
  options: RoundsOptions = ROUNDS_DEFAULTS,
): Promise<readonly MicroResult[]> {
  const counts: number[] = [];
  for (const each of cases) counts.push(await countFor(each, options.caseMs));
  const micros = cases.map((): number[] => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, each] of cases.entries()) {
      micros[index]!.push((await cpuMicros(each, counts[index]!)) / (counts[index]! * (each.units ?? 1)));
    }
  }
  return cases.map(({ name }, index) => {
    const values = micros[index]!;
    return { name, medianMicros: medianOf(values), minMicros: Math.min(...values), maxMicros: Math.max(...values) };
  });
}

export function printMicroResults(title: string, results: readonly MicroResult[]): void {
  process.stdout.write(`${title}, CPU µs each: median (min–max)\n`);
  for (const { name, medianMicros, minMicros, maxMicros } of results) {
    const numbers = `${medianMicros.toFixed(3).padStart(9)} (${minMicros.toFixed(3)}–${maxMicros.toFixed(3)})`;
    process.stdout.write(`  ${name.padEnd(44)} ${numbers}\n`);
  }
}

/** How often a case fits into the time; warms it up on the way. */
async function countFor(each: MicroCase, caseMs: number): Promise<number> {
  let count = 1;
  let spentMs = 0;
  for (;;) {
    const took = (await cpuMicros(each, count)) / 1_000;
    spentMs += took;
    if (took >= caseMs / 4 && spentMs >= WARM_UP_MS) return Math.max(1, Math.round((count * caseMs) / took));
    if (took < caseMs / 4) count *= 2;
  }
}

async function cpuMicros(each: MicroCase, count: number): Promise<number> {
  const before = process.cpuUsage();
  await each.run(count);
  const used = process.cpuUsage(before);
  return used.user + used.system;
}
