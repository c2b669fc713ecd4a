/** How often each address has failed to log in lately, so that nobody can try passwords one after the other. */
import { LruMap } from "../messaging/lru-map.ts";
import type { Clock } from "../world/world.ts";

interface Failures {
  readonly sinceMs: number;
  count: number;
}

const FAILURES_MAX = 5;
const WINDOW_MS = 60_000;

export class FailedLogins {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #addressesMax: number;
  readonly #byAddress = new LruMap<Failures>();

  /** Beyond `addressesMax` the address that was silent longest is forgotten. */
  constructor(clock: Pick<Clock, "monotonicMs">, addressesMax: number) {
    this.#clock = clock;
    this.#addressesMax = addressesMax;
  }

  /** How long this address has to wait; 0: it may try. */
  waitMs(ip: string): number {
    const failures = this.#current(ip);
    if (failures === undefined || failures.count < FAILURES_MAX) return 0;
    return failures.sinceMs + WINDOW_MS - this.#clock.monotonicMs();
  }

  failed(ip: string): void {
    const failures = this.#current(ip);
    if (failures !== undefined) {
      failures.count++;
      return;
    }
    this.#byAddress.set(ip, { sinceMs: this.#clock.monotonicMs(), count: 1 });
    const oldest = this.#byAddress.size > this.#addressesMax ? this.#byAddress.oldest() : undefined;
    if (oldest !== undefined) this.#byAddress.delete(oldest.key);
  }

  #current(ip: string): Failures | undefined {
    const failures = this.#byAddress.get(ip);
    return failures !== undefined && this.#clock.monotonicMs() - failures.sinceMs < WINDOW_MS ? failures : undefined;
  }
}
