/** Timers of the event loop. None of them keeps the process alive: what keeps a server alive is that it listens. */
import type { Timers } from "../world.ts";

/** Node runs a longer delay at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const realTimers: Timers = {
  after(delayMs, run) {
    const handle = setTimeout(run, Math.min(delayMs, DELAY_MS_MAX));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  soon(run) {
    setImmediate(run);
  },
};
