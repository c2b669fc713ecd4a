/**
 * A histogram that costs one search and two additions per observation: fixed buckets in one typed array. Parts keep it
 * beside their counters; what leaves them is a plain snapshot.
 */

/** Plain data: it may cross threads. */
export interface HistogramSnapshot {
  /** Upper ends, included, ascending. */
  readonly bounds: readonly number[];
  /** Of each bucket by itself, one more than there are bounds: the last has no end. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Seconds from a tenth of a millisecond to ten seconds. */
export const SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
export const COUNTS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000, 100_000];
export const BYTES: readonly number[] = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += value;
  }

  snapshot(): HistogramSnapshot {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
