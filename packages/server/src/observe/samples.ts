/** The server's numbers every few seconds, for the last hour: enough for the charts of a web page, without a database. */
import { NO_TRAFFIC, type Traffic } from "../delivery/live-connections.ts";
import type { Clock, ProcessUsage, Timer, Timers } from "../world/world.ts";

export interface SampleSource {
  connections(): number;
  sessions(): number;
  users(): number;
  /** Totals since the start. */
  traffic(): Promise<Traffic>;
  usage(): ProcessUsage;
}

export interface Sample {
  readonly wallMs: number;
  readonly connections: number;
  readonly sessions: number;
  readonly users: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Of one processor, since the sample before. */
  readonly cpuPercent: number;
  /** Since the sample before. */
  readonly perSecond: Traffic;
}

interface Totals {
  readonly monotonicMs: number;
  readonly traffic: Traffic;
  readonly cpuMs: number;
}

export const SAMPLE_EVERY_MS = 5_000;
export const SAMPLES_MAX = 720;

export class Samples {
  readonly #clock: Clock;
  readonly #timers: Pick<Timers, "after">;
  readonly #source: SampleSource;
  /** Oldest first. */
  readonly #kept: Sample[] = [];
  #before: Totals;
  #timer: Timer | undefined;

  constructor(world: { readonly clock: Clock; readonly timers: Pick<Timers, "after"> }, source: SampleSource) {
    this.#clock = world.clock;
    this.#timers = world.timers;
    this.#source = source;
    this.#before = { monotonicMs: world.clock.monotonicMs(), traffic: NO_TRAFFIC, cpuMs: source.usage().cpuMs };
  }

  start(): void {
    this.#timer = this.#timers.after(SAMPLE_EVERY_MS, () => {
      void this.#take();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Of the last `spanMs`, oldest first. */
  latest(spanMs: number): readonly Sample[] {
    const since = this.#clock.wallMs() - spanMs;
    return this.#kept.filter((sample) => sample.wallMs >= since);
  }

  /** What the process uses now; the processor's part since the last sample. */
  usage(): { readonly residentBytes: number; readonly cpuPercent: number } {
    const usage = this.#source.usage();
    return { residentBytes: usage.residentBytes, cpuPercent: this.#cpuPercent(usage) };
  }

  /** Nothing that it asks for fails. */
  async #take(): Promise<void> {
    const source = this.#source;
    const traffic = await source.traffic();
    const usage = source.usage();
    const totals = { monotonicMs: this.#clock.monotonicMs(), traffic, cpuMs: usage.cpuMs };
    const seconds = Math.max(1, totals.monotonicMs - this.#before.monotonicMs) / 1000;
    const rate = (name: keyof Traffic): number => (totals.traffic[name] - this.#before.traffic[name]) / seconds;
    if (this.#kept.length >= SAMPLES_MAX) this.#kept.shift();
    this.#kept.push({
      wallMs: this.#clock.wallMs(),
      connections: source.connections(),
      sessions: source.sessions(),
      users: source.users(),
      residentBytes: usage.residentBytes,
      heapBytes: usage.heapBytes,
      cpuPercent: this.#cpuPercent(usage),
      perSecond: {
        inMessages: rate("inMessages"),
        inMessageBytes: rate("inMessageBytes"),
        inPacketBytes: rate("inPacketBytes"),
        outMessages: rate("outMessages"),
        outMessageBytes: rate("outMessageBytes"),
        outPacketBytes: rate("outPacketBytes"),
      },
    });
    this.#before = totals;
  }

  #cpuPercent(usage: ProcessUsage): number {
    const elapsedMs = Math.max(1, this.#clock.monotonicMs() - this.#before.monotonicMs);
    return (100 * (usage.cpuMs - this.#before.cpuMs)) / elapsedMs;
  }
}
