/**
 * Group commit. One write at a time; what is handed over meanwhile waits and becomes the next write. No timers: the next
 * write starts after the I/O events of the turn in which the last one ended.
 *
 * A failed write closes the future, not the past: later batches stand on state that may not exist, so everything in
 * flight and waiting fails, all loaded objects are dropped, and the engine is opened again before anything is written.
 * Until then reads are answered from the old handle and every write is refused.
 */
import { BYTES, COUNTS, Histogram, type HistogramSnapshot, SECONDS } from "../observe/histogram.ts";
import type { Timer, World } from "../world/world.ts";
import type { Batch } from "./batch.ts";
import { type CommitFailure, StoreUnavailable } from "./commit-failure.ts";
import type { Engine } from "./engine.ts";

export interface CommitLimits {
  /** One merged write. */
  readonly writeBytesMax: number;
  /** Everything in flight and waiting. */
  readonly queueBytesMax: number;
  readonly queueBatchesMax: number;
}

export type Settled = (failure: CommitFailure | null) => void;

/** What was handed over together and is never split over two writes. */
interface Waiting {
  readonly batches: readonly Batch[];
  readonly bytes: number;
  readonly settled: Settled;
}

export interface CommitStats {
  /** In flight and waiting. */
  readonly batches: number;
  readonly bytes: number;
  readonly writes: number;
  readonly failedWrites: number;
  readonly reopens: number;
  /** Made durable. */
  readonly messages: number;
  readonly writtenBytes: number;
  /** How long the oldest of a write waited for it. */
  readonly queueSeconds: HistogramSnapshot;
  /** A write with its sync. */
  readonly writeSeconds: HistogramSnapshot;
  readonly batchesPerWrite: HistogramSnapshot;
  readonly bytesPerWrite: HistogramSnapshot;
}

export type StoreState = "open" | "reopening" | "closed";

export interface CommitterOptions {
  readonly world: World;
  readonly directory: string;
  readonly limits: CommitLimits;
  /** Forget every loaded object: runs before any `settled` of the failed batches. */
  readonly reset: () => void;
  /** Called with the reason when the store becomes read-only and with null when it writes again. */
  readonly stateChanged: (readOnlyBecause: string | null) => void;
}

const BACKOFF_FIRST_MS = 100;
const BACKOFF_LONGEST_MS = 5_000;
/**
 * Written and synced before the old handle is given up, so that a full disk is noticed while reads still work. Opening
 * an engine writes what its log holds once more: at most what came since it was opened, and never more than its buffers.
 */
const PROBE_BYTES_MIN = 1 << 20;
const PROBE_BYTES_MAX = 1 << 26;

export class Committer {
  readonly #options: CommitterOptions;
  #engine: Engine;
  #state: StoreState = "open";
  #queue: Waiting[] = [];
  #bytes = 0;
  #batches = 0;
  #writing = false;
  #startPending = false;
  /** Handed to the present engine. */
  #bytesSinceOpen = 0;
  #reopenTimer: Timer | undefined;
  #reopening: Promise<void> = Promise.resolve();
  #idle: (() => void)[] = [];
  /** When the oldest that waits was handed over. */
  #waitingSinceMs = 0;
  #failedWrites = 0;
  #reopens = 0;
  #messages = 0;
  #writtenBytes = 0;
  readonly #queueSeconds = new Histogram(SECONDS);
  readonly #writeSeconds = new Histogram(SECONDS);
  readonly #batchesPerWrite = new Histogram(COUNTS);
  readonly #bytesPerWrite = new Histogram(BYTES);
  #writes = 0;
  readOnlyBecause: string | null = null;

  constructor(engine: Engine, options: CommitterOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  get state(): StoreState {
    return this.#state;
  }

  /** Of durable rows. Throws where there is nothing to read from. */
  get engine(): Engine {
    if (this.#state === "closed") throw new StoreUnavailable({ outcome: "refused", code: "read_only", cause: null });
    return this.#engine;
  }

  /** Why a batch would be refused now; null: it would be taken. Decide asks before it assigns anything. */
  refusal(): CommitFailure | null {
    if (this.#state !== "open") return { outcome: "refused", code: "read_only", cause: this.readOnlyBecause };
    const limits = this.#options.limits;
    if (this.#bytes >= limits.queueBytesMax || this.#batches >= limits.queueBatchesMax)
      return { outcome: "refused", code: "overloaded", cause: null };
    return null;
  }

  /** In this order and in one write: all of them or none. */
  commit(batches: readonly Batch[], settled: Settled): void {
    if (this.#state !== "open") {
      settled({ outcome: "refused", code: "read_only", cause: this.readOnlyBecause });
      return;
    }
    let bytes = 0;
    for (const batch of batches) bytes += batch.bytes;
    if (this.#queue.length === 0) this.#waitingSinceMs = this.#options.world.clock.monotonicMs();
    this.#queue.push({ batches, bytes, settled });
    this.#bytes += bytes;
    this.#batches += batches.length;
    if (!this.#writing) this.#startSoon();
  }

  stats(): CommitStats {
    return {
      batches: this.#batches,
      bytes: this.#bytes,
      writes: this.#writes,
      failedWrites: this.#failedWrites,
      reopens: this.#reopens,
      messages: this.#messages,
      writtenBytes: this.#writtenBytes,
      queueSeconds: this.#queueSeconds.snapshot(),
      writeSeconds: this.#writeSeconds.snapshot(),
      batchesPerWrite: this.#batchesPerWrite.snapshot(),
      bytesPerWrite: this.#bytesPerWrite.snapshot(),
    };
  }

  /** Resolves when nothing is in flight or waiting. */
  async idle(): Promise<void> {
    if (this.#batches === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async close(): Promise<void> {
    // Whoever was told that it is idle may have handed over more.
    while (this.#batches > 0) await this.idle();
    this.#state = "closed";
    this.#reopenTimer?.cancel();
    await this.#reopening;
    await this.#engine.close();
  }

  #startSoon(): void {
    if (this.#startPending) return;
    this.#startPending = true;
    this.#options.world.timers.soon(() => {
      this.#startPending = false;
      if (!this.#writing && this.#state === "open" && this.#queue.length > 0) this.#write();
    });
  }

  #write(): void {
    this.#writing = true;
    const startMs = this.#options.world.clock.monotonicMs();
    this.#queueSeconds.observe((startMs - this.#waitingSinceMs) / 1000);
    const taken = this.#take();
    // What is left has waited less; from now on is near enough.
    this.#waitingSinceMs = startMs;
    const batches: Batch[] = [];
    let bytes = 0;
    for (const waiting of taken) {
      batches.push(...waiting.batches);
      bytes += waiting.bytes;
    }
    this.#bytesSinceOpen += bytes;
    // The engine may throw or reject; both mean the same.
    new Promise<void>((resolve) => resolve(this.#engine.write(batches))).then(
      () => {
        this.#count(batches, bytes, startMs);
        this.#written(taken);
      },
      (cause: unknown) => this.#failed(taken, cause),
    );
  }

  /** From the front, in hand-over order, as much as one write may hold. */
  #take(): Waiting[] {
    const max = this.#options.limits.writeBytesMax;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && bytes + waiting.bytes > max) break;
      bytes += waiting.bytes;
      count++;
    }
    if (count === this.#queue.length) {
      const all = this.#queue;
      this.#queue = [];
      return all;
    }
    return this.#queue.splice(0, count);
  }

  #written(taken: readonly Waiting[]): void {
    this.#writing = false;
    this.#settleAll(taken, null);
    if (this.#queue.length > 0) this.#startSoon();
    else this.#tellIdle();
  }

  #count(batches: readonly Batch[], bytes: number, startMs: number): void {
    this.#writes++;
    this.#writtenBytes += bytes;
    for (const { messages } of batches) this.#messages += messages.length;
    this.#writeSeconds.observe((this.#options.world.clock.monotonicMs() - startMs) / 1000);
    this.#batchesPerWrite.observe(batches.length);
    this.#bytesPerWrite.observe(bytes);
  }

  #failed(taken: readonly Waiting[], cause: unknown): void {
    this.#writing = false;
    this.#failedWrites++;
    const waiting = this.#queue;
    this.#queue = [];
    this.#state = "reopening";
    this.#becomeReadOnly(cause);
    this.#options.reset();
    this.#settleAll(taken, { outcome: "unknown", code: "store_failed", cause });
    this.#settleAll(waiting, { outcome: "refused", code: "store_failed", cause });
    this.#tellIdle();
    this.#reopenAfter(BACKOFF_FIRST_MS);
  }

  /** A caller that throws is a bug: it comes out as a promise that failed unseen, and the others are told all the same. */
  #settleAll(all: readonly Waiting[], failure: CommitFailure | null): void {
    for (const { batches, bytes, settled } of all) {
      this.#bytes -= bytes;
      this.#batches -= batches.length;
      try {
        settled(failure);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }

  #becomeReadOnly(cause: unknown): void {
    const text = cause instanceof Error ? cause.message : String(cause);
    this.readOnlyBecause = `the store failed to write: ${text}`;
    this.#options.stateChanged(this.readOnlyBecause);
  }

  #reopenAfter(delayMs: number): void {
    const jitterMs = this.#options.world.random.uint32() % (delayMs / 2);
    this.#reopenTimer = this.#options.world.timers.after(delayMs + jitterMs, () => {
      this.#reopening = this.#reopen().catch((cause: unknown) => {
        if (this.#state !== "reopening") return;
        this.#becomeReadOnly(cause);
        this.#reopenAfter(Math.min(delayMs * 2, BACKOFF_LONGEST_MS));
      });
    });
  }

  async #reopen(): Promise<void> {
    const { world, directory } = this.#options;
    const probe = `${directory}.probe`;
    const probeBytes = Math.min(Math.max(this.#bytesSinceOpen, PROBE_BYTES_MIN), PROBE_BYTES_MAX);
    await world.files.replace(probe, new Uint8Array(probeBytes));
    await world.files.replace(probe, new Uint8Array(0));
    if (this.#state !== "reopening") return;
    await this.#engine.close();
    this.#engine = await world.openEngine(directory);
    if (this.#state !== "reopening") return; // `close` closes what is there now.
    this.#bytesSinceOpen = 0;
    this.#reopens++;
    // What was decided before is gone from memory; what a crash-like failure left half known is read again from disk.
    this.#options.reset();
    this.#state = "open";
    this.readOnlyBecause = null;
    this.#options.stateChanged(null);
  }

  #tellIdle(): void {
    if (this.#batches > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
