/** The gateway's numbers for its operators. Plain data, so they may cross threads, where they are added up. */
import type { Traffic } from "../delivery/live-connections.ts";
import type { CloseCounts } from "./close-reasons.ts";
import type { CountersSnapshot } from "./gateway-counters.ts";

export interface GatewayStats extends CountersSnapshot {
  readonly connections: number;
  readonly sessions: number;
  readonly unansweredSends: number;
  readonly accepted: number;
  readonly closes: Readonly<CloseCounts>;
  /** Output that waits, of all connections and of the one with the most. */
  readonly outboxBytes: number;
  readonly outboxLargestBytes: number;
  readonly traffic: Traffic;
}
