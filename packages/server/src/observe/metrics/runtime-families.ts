import type { RuntimeStats } from "../../world/world.ts";
import { byKey, type Family, type Labelled } from "./family.ts";

export interface RuntimeMetrics extends RuntimeStats {
  readonly version: string;
  readonly nodeId: number;
  /** Of the event loop's lag since the start: seconds, and measurements. */
  readonly lagSum: number;
  readonly lagCount: number;
}

export const RUNTIME_FAMILIES: readonly Family<RuntimeMetrics>[] = [
  {
    name: "wk_build_info",
    kind: "gauge",
    help: "Always 1.",
    labels: ["version", "node_version", "node_id"],
    read: ({ version, runtimeVersion, nodeId }) => [{ labels: [version, runtimeVersion, String(nodeId)], value: 1 }],
  },
  {
    name: "wk_start_time_seconds",
    kind: "gauge",
    help: "When the process started, in Unix time.",
    read: ({ startedAtSeconds }) => startedAtSeconds,
  },
  {
    name: "wk_cpu_seconds_total",
    kind: "counter",
    help: "Processor time of all threads.",
    labels: ["mode"],
    read: ({ cpuUserSeconds, cpuSystemSeconds }) => byKey({ user: cpuUserSeconds, system: cpuSystemSeconds }),
  },
  {
    name: "wk_memory_bytes",
    kind: "gauge",
    help: "Memory. resident: of the whole process. heap_used, heap_total: of JavaScript objects. external: buffers.",
    labels: ["kind"],
    read: ({ residentBytes, heapUsedBytes, heapTotalBytes, externalBytes }) =>
      byKey({
        resident: residentBytes,
        heap_used: heapUsedBytes,
        heap_total: heapTotalBytes,
        external: externalBytes,
      }),
  },
  {
    name: "wk_eventloop_lag_seconds",
    kind: "summary",
    help: "How late the event loop of the main thread comes. The quantiles are those since the last scrape; the first scrape starts the watch.",
    read: ({ loopLag, lagSum, lagCount }) => ({
      quantiles: [
        { quantile: 0.5, value: loopLag.p50 },
        { quantile: 0.99, value: loopLag.p99 },
        { quantile: 1, value: loopLag.max },
      ],
      sum: lagSum,
      count: lagCount,
    }),
  },
  {
    name: "wk_eventloop_seconds_total",
    kind: "counter",
    help: "Time of the main thread's event loop. active / (active + idle) is how busy it is.",
    labels: ["state"],
    read: ({ loopActiveSeconds, loopIdleSeconds }) => byKey({ active: loopActiveSeconds, idle: loopIdleSeconds }),
  },
  {
    name: "wk_gc_pauses_total",
    kind: "counter",
    help: "Garbage collections of the main thread since the first scrape.",
    labels: ["kind"],
    read: ({ collections }) => collections.map(({ kind, count }) => ({ labels: [kind], value: count })),
  },
  {
    name: "wk_gc_pause_seconds_total",
    kind: "counter",
    help: "The time they took.",
    labels: ["kind"],
    read: ({ collections }) => collections.map(({ kind, seconds }) => ({ labels: [kind], value: seconds })),
  },
  {
    name: "wk_open_files",
    kind: "gauge",
    help: "Open file descriptors, sockets included. Only on Linux.",
    read: ({ openFiles }) => known(openFiles),
  },
  {
    name: "wk_open_files_max",
    kind: "gauge",
    help: "How many there may be (ulimit -n).",
    read: ({ openFilesMax }) => known(openFilesMax),
  },
  {
    name: "wk_store_disk_bytes",
    kind: "gauge",
    help: "Files of the database.",
    read: ({ dataBytes }) => known(dataBytes),
  },
  {
    name: "wk_disk_free_bytes",
    kind: "gauge",
    help: "Room on the disk of the database.",
    read: ({ diskFreeBytes }) => known(diskFreeBytes),
  },
  {
    name: "wk_disk_size_bytes",
    kind: "gauge",
    help: "Size of that disk.",
    read: ({ diskBytes }) => known(diskBytes),
  },
];

/** No series where the system does not tell. */
function known(value: number | undefined): readonly Labelled[] {
  return value === undefined ? [] : [{ labels: [], value }];
}
