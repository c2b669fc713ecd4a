/** The metrics of one server: each part with its families. Others are added to what this returns. */
import type { HttpStats } from "../../api/http-admission.ts";
import type { FanOut } from "../../delivery/fan-out.ts";
import type { PendingAcksStats } from "../../delivery/pending-acks.ts";
import type { GatewayStats } from "../../gateway/gateway-stats.ts";
import type { WebhooksState } from "../../hooks/webhooks.ts";
import type { SendingStats } from "../../messaging/sending-stats.ts";
import type { StoreStats } from "../../store/store.ts";
import type { RuntimeStats } from "../../world/world.ts";
import { CACHE_FAMILIES, type CacheMetrics } from "./cache-families.ts";
import type { Family } from "./family.ts";
import { GATEWAY_FAMILIES, type GatewayMetrics } from "./gateway-families.ts";
import { HTTP_FAMILIES } from "./http-families.ts";
import { LEGACY_FAMILIES } from "./legacy-families.ts";
import { MESSAGE_FAMILIES, type MessageMetrics } from "./message-families.ts";
import { Metrics } from "./metrics.ts";
import { RUNTIME_FAMILIES, type RuntimeMetrics } from "./runtime-families.ts";
import { STORE_FAMILIES, type StoreMetrics } from "./store-families.ts";
import { WEBHOOK_FAMILIES } from "./webhook-families.ts";

/** Where the numbers come from: plain snapshots, made when a scrape asks. */
export interface MetricSources {
  readonly gateway: () => GatewayStats | Promise<GatewayStats>;
  readonly onlineUsers: () => number;
  readonly sending: () => SendingStats;
  readonly fanOut: Pick<FanOut, "backlogMessages" | "backlogBytes" | "droppedMessages" | "stats">;
  readonly acks: () => PendingAcksStats;
  readonly store: () => StoreStats;
  readonly caches: () => CacheMetrics;
  readonly http: () => HttpStats;
  readonly webhooks: () => WebhooksState;
  readonly runtime: () => Promise<RuntimeStats>;
  readonly limits: MetricLimits;
  readonly version: string;
  readonly nodeId: number;
  readonly legacyNames: boolean;
  /** For the log. */
  readonly failed: (error: unknown) => void;
}

export interface MetricLimits {
  readonly connectionsMax: number;
  readonly outboxBytesMax: number;
  readonly commitQueueBatchesMax: number;
  readonly commitQueueBytesMax: number;
  readonly fanOutMessagesMax: number;
  readonly fanOutBytesMax: number;
  readonly keyFilterBytesMax: number;
}

/** Everything a scrape sees of the server's own parts, gathered at one moment. */
export interface ServerNumbers {
  readonly runtime: RuntimeMetrics;
  readonly gateway: GatewayMetrics;
  readonly messages: MessageMetrics;
  readonly store: StoreMetrics;
  readonly caches: CacheMetrics;
  readonly http: HttpStats;
  readonly webhooks: WebhooksState;
}

export const SERVER_FAMILIES: readonly Family<ServerNumbers>[] = [
  ...within(RUNTIME_FAMILIES, "runtime"),
  ...within(GATEWAY_FAMILIES, "gateway"),
  ...within(MESSAGE_FAMILIES, "messages"),
  ...within(STORE_FAMILIES, "store"),
  ...within(CACHE_FAMILIES, "caches"),
  ...within(HTTP_FAMILIES, "http"),
  ...within(WEBHOOK_FAMILIES, "webhooks"),
];

export function serverMetrics(sources: MetricSources): Metrics {
  const metrics = new Metrics(sources.failed);
  const lag = { sum: 0, count: 0 };
  metrics.add(sources.legacyNames ? [...SERVER_FAMILIES, ...LEGACY_FAMILIES] : SERVER_FAMILIES, async () => {
    const [runtime, gateway] = await Promise.all([sources.runtime(), sources.gateway()]);
    lag.sum += runtime.loopLag.mean * runtime.loopLag.count;
    lag.count += runtime.loopLag.count;
    const { fanOut, limits } = sources;
    return {
      runtime: { ...runtime, version: sources.version, nodeId: sources.nodeId, lagSum: lag.sum, lagCount: lag.count },
      gateway: {
        ...gateway,
        onlineUsers: sources.onlineUsers(),
        connectionsMax: limits.connectionsMax,
        outboxBytesMax: limits.outboxBytesMax,
      },
      messages: {
        sending: sources.sending(),
        fanOut: { ...fanOut.stats(), droppedMessages: fanOut.droppedMessages },
        acks: sources.acks(),
      },
      store: storeMetrics(sources),
      caches: sources.caches(),
      http: sources.http(),
      webhooks: sources.webhooks(),
    };
  });
  return metrics;
}

function within<Name extends keyof ServerNumbers>(
  families: readonly Family<ServerNumbers[Name]>[],
  name: Name,
): Family<ServerNumbers>[] {
  return families.map((family) => ({ ...family, read: (numbers) => family.read(numbers[name]) }));
}

function storeMetrics({ store, fanOut, limits }: MetricSources): StoreMetrics {
  const stats = store();
  return {
    ...stats,
    keyFilterBytesMax: limits.keyFilterBytesMax,
    queues: [
      {
        queue: "commit",
        length: stats.commit.batches,
        lengthMax: limits.commitQueueBatchesMax,
        bytes: stats.commit.bytes,
        bytesMax: limits.commitQueueBytesMax,
      },
      {
        queue: "fan_out",
        length: fanOut.backlogMessages,
        lengthMax: limits.fanOutMessagesMax,
        bytes: fanOut.backlogBytes,
        bytesMax: limits.fanOutBytesMax,
      },
    ],
  };
}
