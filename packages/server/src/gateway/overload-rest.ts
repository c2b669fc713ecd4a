/**
 * The server has more than it can do, and said so to a connection: it is not read for a while, the longer the more often
 * it is refused. Else those who send on at once would take the time that is left for nothing but refusals.
 */
import type { Timer, Timers } from "../world/world.ts";

/** Doubled each time, until something is answered well. */
const FIRST_MS = 50;
const LONGEST_MS = 1_000;

export class OverloadRest {
  readonly #timers: Pick<Timers, "after">;
  #timer: Timer | undefined;
  #nextMs = FIRST_MS;

  constructor(timers: Pick<Timers, "after">) {
    this.#timers = timers;
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  /** It does not rest yet. `over` is called in the end. */
  begin(over: () => void): void {
    this.#timer = this.#timers.after(this.#nextMs, () => {
      this.#timer = undefined;
      over();
    });
    this.#nextMs = Math.min(this.#nextMs * 2, LONGEST_MS);
  }

  answeredWell(): void {
    this.#nextMs = FIRST_MS;
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
