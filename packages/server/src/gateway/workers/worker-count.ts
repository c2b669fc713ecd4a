/** How many workers `gateway.workers` asks for. */
import type { Threads } from "../../world/world.ts";

/** More would wait for the thread that has the core. */
const AUTO_MAX = 8;

export function workersFor(wanted: number | "auto", threads: Pick<Threads, "cores"> | undefined): number {
  if (threads === undefined) return 0;
  if (wanted !== "auto") return wanted;
  return threads.cores <= 2 ? 0 : Math.min(threads.cores - 1, AUTO_MAX);
}
