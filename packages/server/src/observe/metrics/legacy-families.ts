/**
 * The names under which WuKongIM v2.2.5 exports numbers that were ever other than 0, for dashboards that ask for them. It
 * exports everything as a counter; here what can fall is a gauge, which no query notices.
 */
import { PacketType } from "@wukong-ts/protocol";
import type { Family } from "./family.ts";
import type { ServerNumbers } from "./server-metrics.ts";
import type { StoreMetrics } from "./store-families.ts";

export interface LegacyFamily extends Family<ServerNumbers> {
  /** The expression that says the same under our names. */
  readonly is: string;
}

export const LEGACY_FAMILIES: readonly LegacyFamily[] = [
  legacy("app_conn_count_total", "gauge", "wk_connections_open", ({ gateway }) => gateway.connections),
  legacy("app_online_user_count_total", "gauge", "wk_online_users", ({ gateway }) => gateway.onlineUsers),
  packets("app_send_packet", "in", "send"),
  packets("app_recvack_packet", "in", "recvack"),
  packets("app_ping", "in", "ping"),
  packets("app_pong", "out", "pong"),
  legacy("system_extranet_incoming_bytes_total", "counter", "sum(wk_bytes_in_total)", ({ gateway }) =>
    sum(gateway.bytesIn),
  ),
  legacy("system_extranet_outgoing_bytes_total", "counter", "sum(wk_bytes_out_total)", ({ gateway }) =>
    sum(gateway.bytesOut),
  ),
  legacy(
    "cluster_channel_active_count_total",
    "gauge",
    'wk_cache_entries{cache="channels"}',
    ({ caches }) => caches["channels"]?.entries ?? 0,
  ),
  legacy("cluster_channel_propose_count_total", "counter", "sum(wk_store_writes_total)", ({ store }) =>
    proposed(store),
  ),
  legacy(
    "cluster_channel_propose_failed_count_total",
    "counter",
    'wk_store_writes_total{result="failed"}',
    ({ store }) => store.commit.failedWrites,
  ),
  legacy(
    "cluster_channel_propose_latency_under_500ms_total",
    "counter",
    'wk_commit_seconds_bucket{stage="write",le="0.5"}',
    ({ store }) => writes(store, true),
  ),
  legacy(
    "cluster_channel_propose_latency_over_500ms_total",
    "counter",
    'wk_commit_seconds_count{stage="write"} - ignoring(le) wk_commit_seconds_bucket{stage="write",le="0.5"}',
    ({ store }) => writes(store, false),
  ),
  legacy("db_disk_space_usage_total", "gauge", "wk_store_disk_bytes", ({ runtime }) => runtime.dataBytes ?? 0),
].flat();

function legacy(
  name: string,
  kind: "counter" | "gauge",
  is: string,
  read: (stats: ServerNumbers) => number,
): LegacyFamily {
  return { name, kind, help: `WuKongIM's name for ${is}.`, is, read };
}

function packets(prefix: string, direction: "in" | "out", type: "send" | "recvack" | "ping" | "pong"): LegacyFamily[] {
  const index = PacketType[type];
  return [
    legacy(`${prefix}_count_total`, "counter", `wk_frames_${direction}_total{type="${type}"}`, ({ gateway }) =>
      at(direction === "in" ? gateway.framesIn : gateway.framesOut, index),
    ),
    legacy(`${prefix}_bytes_total`, "counter", `wk_bytes_${direction}_total{type="${type}"}`, ({ gateway }) =>
      at(direction === "in" ? gateway.bytesIn : gateway.bytesOut, index),
    ),
  ];
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function proposed({ commit }: StoreMetrics): number {
  return commit.writes + commit.failedWrites;
}

const SLOW_SECONDS = 0.5;

function writes({ commit }: StoreMetrics, fast: boolean): number {
  const { bounds, counts } = commit.writeSeconds;
  return sum(counts.filter((_, bucket) => (bounds[bucket] ?? Number.POSITIVE_INFINITY) <= SLOW_SECONDS === fast));
}
