/** Waiting that can be cut short: whoever waits here is woken when it stops. */
import type { Timers } from "../world/world.ts";

export class Pauses {
  readonly #timers: Pick<Timers, "after">;
  readonly #waiting = new Set<() => void>();
  #isStopped = false;

  constructor(timers: Pick<Timers, "after">) {
    this.#timers = timers;
  }

  /** From then on nobody waits. */
  stop(): void {
    this.#isStopped = true;
    for (const wake of this.#waiting) wake();
  }

  pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#timers.after(delayMs, wake);
      this.#waiting.add(wake);
    });
  }
}
