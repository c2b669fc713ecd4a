/** A closed loop of HTTP requests: so many at a time, until the time is over. */
import type { GeneratorUsage, GeneratorUsageMeter } from "../generator/generator-usage.ts";
import { Latencies } from "../latencies.ts";
import type { HttpAnswer } from "../server/http-caller.ts";

export interface HttpLoadResult {
  readonly answered: number;
  /** Answers other than 200, and requests that failed. */
  readonly failed: number;
  readonly bodyBytes: number;
  readonly seconds: number;
  readonly latencies: string;
  readonly usage: GeneratorUsage;
  readonly firstError: string | undefined;
}

export interface HttpLoadOptions {
  readonly concurrency: number;
  readonly seconds: number;
  readonly meter: GeneratorUsageMeter;
  /** The n-th request, from 0 on. */
  readonly call: (n: number) => Promise<HttpAnswer>;
  /** What is wrong with a 200, if anything. */
  readonly check?: (answer: HttpAnswer) => string | undefined;
}

export async function loadHttp(options: HttpLoadOptions): Promise<HttpLoadResult> {
  const latencies = new Latencies();
  let next = 0;
  let answered = 0;
  let failed = 0;
  let bodyBytes = 0;
  let firstError: string | undefined;
  options.meter.start();
  const startMs = performance.now();
  const endMs = startMs + 1_000 * options.seconds;
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const answer = await options.call(next++).catch((error: unknown) => String(error));
      const fault = typeof answer === "string" ? answer : faultOf(answer, options.check);
      if (fault === undefined) {
        answered++;
        bodyBytes += typeof answer === "string" ? 0 : answer.body.length;
        latencies.record(performance.now() - sentMs);
      } else {
        failed++;
        firstError ??= fault;
      }
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, lane));
  const seconds = (performance.now() - startMs) / 1_000;
  const usage = options.meter.read();
  return { answered, failed, bodyBytes, seconds, latencies: latencies.encode(), usage, firstError };
}

function faultOf(answer: HttpAnswer, check: HttpLoadOptions["check"]): string | undefined {
  if (answer.status !== 200) return `status ${answer.status}: ${answer.body.toString().slice(0, 200)}`;
  return check?.(answer);
}
