/** Says once that a follower lags, and once that it does no longer. */
import type { Following } from "../store/follower-run.ts";
import type { Clock, Timer, Timers } from "../world/world.ts";

export interface LagAlarmDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly following: Pick<Following, "lagMessages" | "oldestMs">;
  readonly ageMsMax: number;
  readonly lags: (lag: { readonly messages: number; readonly ageMs: number }) => void;
  readonly recovered: () => void;
}

const LOOK_MS_MAX = 10_000;
const LOOKS_PER_AGE = 4;

export class LagAlarm {
  readonly #deps: LagAlarmDeps;
  #timer: Timer;
  #isRaised = false;

  constructor(deps: LagAlarmDeps) {
    this.#deps = deps;
    this.#timer = this.#after();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #after(): Timer {
    const { timers, ageMsMax } = this.#deps;
    return timers.after(Math.min(LOOK_MS_MAX, ageMsMax / LOOKS_PER_AGE), () => {
      this.#look();
      this.#timer = this.#after();
    });
  }

  #look(): void {
    const { clock, following, ageMsMax, lags, recovered } = this.#deps;
    const ageMs = following.oldestMs === undefined ? 0 : clock.wallMs() - following.oldestMs;
    const isLate = ageMs > ageMsMax;
    if (isLate === this.#isRaised) return;
    this.#isRaised = isLate;
    if (isLate) lags({ messages: following.lagMessages, ageMs });
    else recovered();
  }
}
