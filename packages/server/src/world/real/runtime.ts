/**
 * The process as it is. Event-loop lag and collections are watched from the first call on, so that who never asks pays
 * nothing. The lag is measured by libuv's own timer, without JavaScript.
 */
import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { Runtime, RuntimeStats } from "../world.ts";

/** How often the lag is looked at. */
const LAG_RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

const COLLECTIONS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak_callbacks"],
]);

type Lag = ReturnType<typeof monitorEventLoopDelay>;

interface Watch {
  readonly lag: Lag;
  readonly pauses: Map<string, { count: number; seconds: number }>;
}

export function createRuntime(): Runtime {
  let watch: Watch | undefined;
  return {
    async stats(directory) {
      watch ??= startWatch();
      const [files, disk, openFiles, openFilesMax] = await Promise.all([
        orUndefined(bytesIn(directory)),
        orUndefined(statfs(directory)),
        orUndefined(readdir("/proc/self/fd").then((names) => names.length)),
        orUndefined(fileLimit()),
      ]);
      const memory = process.memoryUsage();
      const cpu = process.cpuUsage();
      const loop = performance.eventLoopUtilization();
      return {
        runtimeVersion: process.versions.node,
        startedAtSeconds: performance.timeOrigin / 1000,
        cpuUserSeconds: cpu.user / 1e6,
        cpuSystemSeconds: cpu.system / 1e6,
        residentBytes: memory.rss,
        heapUsedBytes: memory.heapUsed,
        heapTotalBytes: memory.heapTotal,
        externalBytes: memory.external,
        openFiles,
        openFilesMax,
        dataBytes: files,
        diskFreeBytes: disk === undefined ? undefined : disk.bavail * disk.bsize,
        diskBytes: disk === undefined ? undefined : disk.blocks * disk.bsize,
        loopActiveSeconds: loop.active / 1000,
        loopIdleSeconds: loop.idle / 1000,
        loopLag: lagOf(watch.lag),
        collections: [...watch.pauses].map(([kind, { count, seconds }]) => ({ kind, count, seconds })),
      };
    },
  };
}

function startWatch(): Watch {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const pauses = new Map([...COLLECTIONS.values()].map((kind) => [kind, { count: 0, seconds: 0 }]));
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail = "detail" in entry ? entry.detail : undefined;
      const kind = typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : undefined;
      const pause = pauses.get(COLLECTIONS.get(kind) ?? "");
      if (pause === undefined) continue;
      pause.count++;
      pause.seconds += entry.duration / 1000;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return { lag, pauses };
}

/** What was measured since the last call; it has the resolution in it, which is no lag. */
function lagOf(lag: Lag): RuntimeStats["loopLag"] {
  const { count } = lag;
  const late = (nanoseconds: number): number =>
    count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - LAG_RESOLUTION_MS / 1000);
  const found = {
    p50: late(lag.percentile(50)),
    p99: late(lag.percentile(99)),
    max: late(lag.max),
    mean: late(lag.mean),
    count,
  };
  lag.reset();
  return found;
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory);
  // A table file may be deleted between the two looks.
  const sizes = await Promise.all(names.map((name) => orUndefined(stat(join(directory, name)))));
  return sizes.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}

async function fileLimit(): Promise<number | undefined> {
  const found = /^Max open files\s+(\d+)/m.exec(await readFile("/proc/self/limits", "utf8"))?.[1];
  return found === undefined ? undefined : Number(found);
}

function orUndefined<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  return promise.catch(() => undefined);
}
