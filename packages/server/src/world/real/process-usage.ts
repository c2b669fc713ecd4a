/** What the operating system says about this process. */
import type { ProcessUsage } from "../world.ts";

export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuMs: (user + system) / 1000, residentBytes: rss, heapBytes: heapUsed };
}
