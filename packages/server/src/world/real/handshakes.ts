/** Connections that are not yet anybody's: bounded in number and in time, gone with the listener. */
import type { Duplex } from "node:stream";
import type { Timer, Timers } from "../world.ts";

export class Handshakes {
  readonly #timers: Timers;
  readonly #timeoutMs: number;
  readonly #countMax: number;
  readonly #waiting = new Map<Duplex, { readonly timer: Timer; readonly closed: () => void }>();

  constructor(timers: Timers, timeoutMs: number, countMax: number = Number.POSITIVE_INFINITY) {
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
    this.#countMax = countMax;
  }

  /** false: there are too many, and the stream is destroyed. */
  begin(stream: Duplex): boolean {
    if (this.#waiting.size >= this.#countMax) {
      stream.destroy();
      return false;
    }
    const timer = this.#timers.after(this.#timeoutMs, () => stream.destroy());
    const closed = (): void => this.end(stream);
    this.#waiting.set(stream, { timer, closed });
    stream.on("close", closed);
    return true;
  }

  end(stream: Duplex): void {
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) return;
    waiting.timer.cancel();
    stream.off("close", waiting.closed);
    this.#waiting.delete(stream);
  }

  destroyAll(): void {
    for (const stream of this.#waiting.keys()) stream.destroy();
  }
}
