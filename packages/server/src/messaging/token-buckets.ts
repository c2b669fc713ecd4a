/**
 * Token buckets. One is a single number: when it would be full again. Taking a token moves that moment one interval
 * ahead; a moment that would lie further ahead than the whole bucket takes to fill is a refusal, which moves nothing.
 *
 *   rate 10/s, burst 5:   |now ········ fullAtMs|   at most 500 ms ahead
 */
import type { Clock } from "../world/world.ts";
import { LruMap } from "./lru-map.ts";

export interface BucketRate {
  /** Above 0. */
  readonly perSecond: number;
  /** Tokens in a full bucket, at least 1. */
  readonly burst: number;
}

export interface Bucket {
  fullAtMs: number;
}

/** As many of `wanted` tokens as there are; they are taken. */
export function takeTokens(bucket: Bucket, { perSecond, burst }: BucketRate, nowMs: number, wanted: number): number {
  const intervalMs = 1000 / perSecond;
  const fullAtMs = Math.max(bucket.fullAtMs, nowMs);
  // The quotient of two times is never quite a whole number.
  const there = Math.floor(burst - (fullAtMs - nowMs) / intervalMs + 1e-6);
  const granted = Math.max(0, Math.min(wanted, there));
  if (granted > 0) bucket.fullAtMs = fullAtMs + granted * intervalMs;
  return granted;
}

/** Until there is a token again; at least 1. */
export function msUntilToken(bucket: Bucket, { perSecond, burst }: BucketRate, nowMs: number): number {
  return Math.max(1, Math.ceil(bucket.fullAtMs - nowMs - ((burst - 1) * 1000) / perSecond));
}

export interface BucketsOptions extends BucketRate {
  /** Keys that are remembered; the one used longest ago is forgotten first, and begins with a full bucket again. */
  readonly countMax: number;
}

/** One bucket for each key, as for each uid. */
export class TokenBuckets {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #options: BucketsOptions;
  readonly #buckets = new LruMap<Bucket>();

  constructor(clock: Pick<Clock, "monotonicMs">, options: BucketsOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  get count(): number {
    return this.#buckets.size;
  }

  /** As many of `wanted` as the key may have now. */
  take(key: string, wanted: number): number {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { fullAtMs: 0 };
      this.#buckets.set(key, bucket);
      if (this.#buckets.size > this.#options.countMax) this.#buckets.delete(this.#buckets.oldest()?.key ?? "");
    }
    return takeTokens(bucket, this.#options, this.#clock.monotonicMs(), wanted);
  }

  /** What to tell who was refused. */
  retryAfterMs(key: string): number {
    const bucket = this.#buckets.peek(key) ?? { fullAtMs: 0 };
    return msUntilToken(bucket, this.#options, this.#clock.monotonicMs());
  }
}

/** undefined where the rate is 0: no limit. A burst of 0 is one second's worth. */
export function rateOf(perSecond: number, burst: number): BucketRate | undefined {
  return perSecond === 0 ? undefined : { perSecond, burst: burst === 0 ? perSecond : burst };
}
