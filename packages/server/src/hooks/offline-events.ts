/** Starts and stops what makes `msg.offline` and `user.onlinestatus`, as far as the receiver wants them. */
import type { Config } from "../config/schema.ts";
import type { AckExceptionTrail } from "../delivery/ack-exceptions.ts";
import type { PendingAcks } from "../delivery/pending-acks.ts";
import type { Presence } from "../delivery/presence.ts";
import type { ChannelCache } from "../messaging/channel-cache.ts";
import type { Conversations } from "../messaging/conversations.ts";
import type { History } from "../messaging/history.ts";
import type { IdGenerator } from "../messaging/ids.ts";
import type { StoredMessage } from "../messaging/message.ts";
import { ChannelReceivers } from "../messaging/receivers.ts";
import type { Log } from "../observe/log.ts";
import type { Store } from "../store/store.ts";
import type { World } from "../world/world.ts";
import { OfflineMessages } from "./offline-messages.ts";
import { forgetOnlineStatus, OnlineStatus } from "./online-status.ts";
import { PassingMessages } from "./passing-messages.ts";
import { UnacknowledgedPushes } from "./unacknowledged-pushes.ts";
import { type WebhookSender, WebhookStopped } from "./webhook.ts";
import type { Webhooks } from "./webhooks.ts";

export interface OfflineEventsDeps {
  readonly config: Config;
  readonly world: Pick<World, "clock" | "timers">;
  readonly log: Log;
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly ids: IdGenerator;
  readonly presence: Presence;
  readonly history: Pick<History, "bySeqs">;
  readonly acks: Pick<PendingAcks, "stateOf">;
  readonly webhooks: Pick<Webhooks, "sender" | "follow">;
  /** The data directory was used before: apps may be about to connect again. */
  readonly isRestart: boolean;
}

export interface OfflineEvents {
  /** For messages that are not kept and so do not pass the feed; undefined: nobody is to be told of them. */
  readonly passing: ((messages: readonly StoredMessage[]) => void) | undefined;
  /** What sessions have not acknowledged and will no more; undefined: nobody wants to know. */
  readonly unacknowledged: AckExceptionTrail["exceptions"] | undefined;
  /** When all sessions have ended, and before the webhooks stop. */
  stop(): Promise<void>;
}

/** Before the first login. */
export async function startOfflineEvents(deps: OfflineEventsDeps): Promise<OfflineEvents> {
  const webhook = deps.webhooks.sender;
  const status = webhook?.wants("user.onlinestatus") ? await startStatus(deps, webhook) : undefined;
  if (status === undefined) await forgetOnlineStatus(deps.store);
  const offline = webhook?.wants("msg.offline") ? await startOffline(deps, webhook) : undefined;
  return {
    passing: offline && ((messages) => offline.passing.push(messages)),
    unacknowledged:
      offline?.unacknowledged && ((sessionId, list) => offline.unacknowledged?.exceptions(sessionId, list)),
    async stop() {
      offline?.unacknowledged?.stop();
      offline?.messages.stop();
      await status?.stop();
    },
  };
}

async function startStatus(deps: OfflineEventsDeps, webhook: WebhookSender): Promise<OnlineStatus> {
  const { store, world, ids, presence, log, config } = deps;
  const status = await OnlineStatus.start({
    store,
    timers: world.timers,
    ids,
    presence,
    webhook,
    failed: (error) => log.error("an internal error", { event: "internal_error", error }),
    dropped: (events) =>
      log.error("the oldest events of user.onlinestatus are given up: too many wait for the receiver", {
        event: "webhook.status_dropped",
        events,
      }),
    options: { eventsMax: config.limits.webhookStatusEventsMax, graceMs: config.webhook.offlineGraceMs },
  });
  presence.watcher = (session, isOnline) => status.changed(session, isOnline);
  return status;
}

interface Offline {
  readonly messages: OfflineMessages;
  readonly passing: PassingMessages;
  readonly unacknowledged: UnacknowledgedPushes | undefined;
}

async function startOffline(deps: OfflineEventsDeps, webhook: WebhookSender): Promise<Offline> {
  const { config, world, log, channels, conversations, presence, history, acks, webhooks, isRestart } = deps;
  const { limits } = config;
  const failed = (error: unknown): void => {
    if (!(error instanceof WebhookStopped)) log.error("an internal error", { event: "internal_error", error });
  };
  const afterMs = config.webhook.offlineUnackedAfterMs;
  const unacknowledged =
    afterMs === 0
      ? undefined
      : new UnacknowledgedPushes({
          ...world,
          presence,
          acks,
          tell: (push, uids) => void messages.tellUnacknowledged(push, uids),
          full: () =>
            log.warn("messages find no room to wait for their RECVACKs: who does not acknowledge them is not told of", {
              event: "webhook.unacked_full",
            }),
          options: { afterMs, receiversMax: limits.webhookUnackedMax },
        });
  const messages: OfflineMessages = new OfflineMessages({
    ...world,
    channels,
    conversations,
    receivers: new ChannelReceivers(channels),
    presence,
    history,
    unacknowledged,
    webhook,
    failed,
    options: {
      nodeId: config.cluster.nodeId,
      compressOver: config.channel.subscriberCompressOfCount,
      heldBytesMax: limits.webhookMemoryBytesMax,
      uidsPerCallMax: limits.webhookOfflineUidsMax,
      ageMsMax: config.webhook.offlineAgeMaxMs,
      graceMs: isRestart ? config.webhook.offlineGraceMs : 0,
    },
  });
  const passing = new PassingMessages({
    clock: world.clock,
    tell: (message) => messages.tell(message),
    failed,
    full: () =>
      log.warn("messages that are not kept find no room to wait for their msg.offline", {
        event: "webhook.passing_full",
      }),
    options: { messagesMax: limits.webhookPassingMax, bytesMax: limits.webhookPassingBytesMax },
  });
  await webhooks.follow(messages, "now");
  return { messages, passing, unacknowledged };
}
