/**
 * The count bounds of the configuration. With WK_TEST_LIMITS=100 every server of the suite runs with each of them at 100:
 * whatever a bound evicts or forgets, no promise may depend on it.
 */
export const COUNT_LIMITS: readonly string[] = [
  "limits.sessionSendsMax",
  "limits.outboxFramesMax",
  "limits.pendingAcksMax",
  "limits.channelCacheMax",
  "limits.conversationCacheUsersMax",
  "limits.recentsCacheMax",
  "limits.listOrdersMax",
  "limits.commandHandOutsMax",
  "limits.earlyCommandAcksMax",
  "limits.commitQueueBatchesMax",
  "limits.fanOutMessagesMax",
  "limits.fanOutSliceReceivers",
  "limits.webhookRequestsMax",
  "limits.webhookDeadLettersMax",
  "limits.webhookOfflineUidsMax",
  "limits.webhookPassingMax",
  "limits.webhookUnackedMax",
  "limits.webhookStatusEventsMax",
  "limits.datasourceCacheMax",
  "limits.failedLoginsMax",
  "limits.trailUsersMax",
  "limits.trailWaitingMax",
  "limits.notKeptMessagesMax",
  "limits.httpRequestsMax",
  "limits.rateLimitKeysMax",
];

/** Count bounds that stay as they are: they say how many clients there may be, and the suite needs more than 100. */
export const KEPT_LIMITS: readonly string[] = ["limits.connectionsMax", "limits.connectionsPerIpMax"];

/** The settings that WK_TEST_LIMITS asks for; empty without it. */
export function limitSettings(): Readonly<Record<string, number>> {
  const wanted = process.env["WK_TEST_LIMITS"];
  if (wanted === undefined || wanted === "") return {};
  const count = Number(wanted);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new Error(`WK_TEST_LIMITS must be a positive integer, not ${wanted}`);
  return Object.fromEntries(COUNT_LIMITS.map((key) => [key, count]));
}

/**
 * How many things a test may do at the same time. Under small bounds they are fewer, so that nothing is refused for want
 * of room: one thing may be ten batches for the disk.
 */
export function atOnce(wanted: number): number {
  const bound = limitSettings()["limits.commitQueueBatchesMax"];
  return bound === undefined ? wanted : Math.max(1, Math.min(wanted, Math.floor(bound / 12)));
}

/** With WK_TEST_GATEWAY_WORKERS=2 every server of the suite holds its sockets in so many threads. Empty without it. */
export function workerSettings(): Readonly<Record<string, number>> {
  const wanted = process.env["WK_TEST_GATEWAY_WORKERS"];
  if (wanted === undefined || wanted === "") return {};
  const count = Number(wanted);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new Error(`WK_TEST_GATEWAY_WORKERS must be a whole number, not ${wanted}`);
  return { "gateway.workers": count };
}
