/** A simulated process uses nothing. */
import type { Runtime } from "../world.ts";

export const simulatedRuntime: Runtime = {
  stats: async () => ({
    runtimeVersion: "",
    startedAtSeconds: 0,
    cpuUserSeconds: 0,
    cpuSystemSeconds: 0,
    residentBytes: 0,
    heapUsedBytes: 0,
    heapTotalBytes: 0,
    externalBytes: 0,
    openFiles: undefined,
    openFilesMax: undefined,
    dataBytes: undefined,
    diskFreeBytes: undefined,
    diskBytes: undefined,
    loopActiveSeconds: 0,
    loopIdleSeconds: 0,
    loopLag: { p50: 0, p99: 0, max: 0, mean: 0, count: 0 },
    collections: [],
  }),
};
