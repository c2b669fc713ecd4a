import type { CacheStats } from "../../messaging/cache-stats.ts";
import type { Family } from "./family.ts";

/** By the cache's name. */
export type CacheMetrics = Readonly<Record<string, CacheStats>>;

const of = (property: keyof CacheStats) => (caches: CacheMetrics) =>
  Object.entries(caches).map(([cache, stats]) => ({ labels: [cache], value: stats[property] }));

export const CACHE_FAMILIES: readonly Family<CacheMetrics>[] = [
  { name: "wk_cache_entries", kind: "gauge", help: "What a cache holds.", labels: ["cache"], read: of("entries") },
  {
    name: "wk_cache_max_entries",
    kind: "gauge",
    help: "Its bound; what is in use may exceed it.",
    labels: ["cache"],
    read: of("countMax"),
  },
  { name: "wk_cache_bytes", kind: "gauge", help: "The same in bytes, roughly.", labels: ["cache"], read: of("bytes") },
  { name: "wk_cache_max_bytes", kind: "gauge", help: "Its bound in bytes.", labels: ["cache"], read: of("bytesMax") },
  {
    name: "wk_cache_hits_total",
    kind: "counter",
    help: "Asked for and there. Not counted for command_hand_outs and early_acks, which nothing can be loaded into.",
    labels: ["cache"],
    read: of("hits"),
  },
  {
    name: "wk_cache_misses_total",
    kind: "counter",
    help: "Asked for and not there.",
    labels: ["cache"],
    read: of("misses"),
  },
  {
    name: "wk_cache_evictions_total",
    kind: "counter",
    help: "Given up for want of room.",
    labels: ["cache"],
    read: of("evictions"),
  },
];
