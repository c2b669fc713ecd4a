/** The machine's two clocks. */
import type { Clock } from "../world.ts";

export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
