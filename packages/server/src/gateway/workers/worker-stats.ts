/** The numbers of several gateways as those of one. */
import { NO_TRAFFIC } from "../../delivery/live-connections.ts";
import { createCloseCounts } from "../close-reasons.ts";
import { GatewayCounters } from "../gateway-counters.ts";
import type { GatewayStats } from "../gateway-stats.ts";
import { sumOf } from "./sums.ts";

export function createStats(): GatewayStats {
  return {
    connections: 0,
    sessions: 0,
    unansweredSends: 0,
    accepted: 0,
    closes: createCloseCounts(),
    ...new GatewayCounters().snapshot(),
    outboxBytes: 0,
    outboxLargestBytes: 0,
    traffic: NO_TRAFFIC,
  };
}

/** Of gateways that there are together. */
export function sumOfStats(all: readonly GatewayStats[]): GatewayStats {
  const none = createStats();
  const sum = sumOf([none, ...all]);
  return {
    ...sum,
    sendackSeconds: { ...sum.sendackSeconds, bounds: none.sendackSeconds.bounds },
    outboxLargestBytes: Math.max(0, ...all.map(({ outboxLargestBytes }) => outboxLargestBytes)),
  };
}

/** Of a gateway that has ended: nothing is open there any more. */
export function pastStats(stats: GatewayStats): GatewayStats {
  const { connections, sessions, unansweredSends, sessionsBy, outboxBytes, outboxLargestBytes } = createStats();
  return { ...stats, connections, sessions, unansweredSends, sessionsBy, outboxBytes, outboxLargestBytes };
}
