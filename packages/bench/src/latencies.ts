/** Latencies in an HDR histogram: microseconds, three significant digits, up to ten minutes. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

const MICROS_MAX = 600_000_000;
const PERCENTILES = [50, 90, 95, 99, 99.9] as const;

export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class Latencies {
  readonly #histogram: Histogram;

  constructor(histogram: Histogram = emptyHistogram()) {
    this.#histogram = histogram;
  }

  /** From `encode`. */
  static decode(text: string): Latencies {
    return new Latencies(decodeFromCompressedBase64(text, 32, false));
  }

  record(milliseconds: number): void {
    const micros = Math.round(milliseconds * 1_000);
    this.#histogram.recordValue(micros < 1 ? 1 : micros > MICROS_MAX ? MICROS_MAX : micros);
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  add(other: Latencies): void {
    if (other.count > 0) this.#histogram.add(other.#histogram);
  }

  reset(): void {
    this.#histogram.reset();
  }

  /** Milliseconds, 0 when nothing was recorded. */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percent) / 1_000;
  }

  summary(): LatencySummary {
    const [p50Ms, p90Ms, p95Ms, p99Ms, p999Ms] = PERCENTILES.map((percent) => this.percentile(percent));
    return {
      count: this.count,
      meanMs: this.count === 0 ? 0 : this.#histogram.mean / 1_000,
      p50Ms: p50Ms!,
      p90Ms: p90Ms!,
      p95Ms: p95Ms!,
      p99Ms: p99Ms!,
      p999Ms: p999Ms!,
      maxMs: this.count === 0 ? 0 : this.#histogram.maxValue / 1_000,
    };
  }

  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }
}

function emptyHistogram(): Histogram {
  return build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: MICROS_MAX,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
}
