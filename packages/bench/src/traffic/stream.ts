/** What one user sends: its frames, the time of each, and what became of it. */
import type { Connection } from "./connection.ts";
import type { StreamEnd } from "./delivery-ledger.ts";
import type { SendFrames } from "./send-frames.ts";
import { SendTimes } from "./send-times.ts";

const SUCCESS = 1;

export class Stream {
  readonly index: number;
  readonly connection: Connection;
  readonly frames: SendFrames;
  readonly times: SendTimes;
  sent = 0;
  /** SENDs without an answer. */
  readonly #waiting = new Set<number>();
  /** SENDs that the channel's observer has not received, where the window waits for him. */
  readonly #unobserved = new Set<number>();
  readonly #refused: number[] = [];
  #oldest = 1;

  /** `timesKept`: a power of two. */
  constructor(index: number, connection: Connection, frames: SendFrames, timesKept: number) {
    this.times = new SendTimes(timesKept);
    this.index = index;
    this.connection = connection;
    this.frames = frames;
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  /** Puts the next SEND into the outgoing bytes; its latency counts from `fromMs`. */
  send(fromMs: number): void {
    const n = ++this.sent;
    const at = this.connection.reserve(this.frames.sizeOf(n));
    this.frames.write(this.connection.outgoingBytes, at, n);
    this.times.set(n, fromMs, this.#oldest);
    this.#waiting.add(n);
  }

  get unobserved(): number {
    return this.#unobserved.size;
  }

  /** The message just sent has an observer. */
  expectObserver(): void {
    this.#unobserved.add(this.sent);
  }

  observed(n: number): void {
    this.#unobserved.delete(n);
  }

  /** false: nobody waits for it, or for the second time. */
  answered(n: number, reason: number): boolean {
    if (!this.#waiting.delete(n)) return false;
    if (n === this.#oldest) this.#oldest = this.#waiting.values().next().value ?? this.sent + 1;
    if (reason !== SUCCESS) {
      this.#refused.push(n);
      this.#unobserved.delete(n);
    }
    return true;
  }

  end(): StreamEnd {
    return { stream: this.index, sent: this.sent, notAcknowledged: [...this.#refused, ...this.#waiting] };
  }
}
