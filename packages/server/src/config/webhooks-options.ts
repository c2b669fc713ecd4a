/** What the keys say about webhooks, in the words of `hooks`. */
import type { WebhooksOptions } from "../hooks/webhooks.ts";
import type { Config } from "./schema.ts";

export function webhooksOptions({ webhook, agent, limits }: Config): WebhooksOptions {
  return {
    httpAddress: webhook.httpAddr,
    grpcAddress: webhook.grpcAddr,
    agentHttpAddress: agent.webhook.httpAddr,
    secret: webhook.secret,
    focusEvents: webhook.focusEvents,
    pushIntervalMs: webhook.msgNotifyEventPushIntervalMs,
    messagesPerPush: webhook.msgNotifyEventCountPerPush,
    triesMax: webhook.msgNotifyEventRetryMaxCount,
    pauseLongestMs: webhook.retryIntervalMaxMs,
    requestsMax: limits.webhookRequestsMax,
    memoryBytesMax: limits.webhookMemoryBytesMax,
    lagAgeMsMax: webhook.lagAlarmMs,
  };
}
