/** The road of a message, from the gateway through decide and commit to the receivers' sockets, and what is noted of it. */
import { createSealer, type Sealer, warmUp } from "@wukong-ts/sealing";
import { gatewayOptions } from "../config/gateway-options.ts";
import type { Config } from "../config/schema.ts";
import type { AckExceptionTrail } from "../delivery/ack-exceptions.ts";
import { createFanOut, FAN_OUT_DEFAULTS, type FanOut } from "../delivery/fan-out.ts";
import { PENDING_ACKS_DEFAULTS, PendingAcks } from "../delivery/pending-acks.ts";
import { Presence } from "../delivery/presence.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { LocalCore } from "../gateway/local-core.ts";
import { workersFor } from "../gateway/workers/worker-count.ts";
import type { StoredMessage } from "../messaging/message.ts";
import { ChannelReceivers } from "../messaging/receivers.ts";
import type { Sending } from "../messaging/send.ts";
import { Sender } from "../messaging/sending.ts";
import { rateOf } from "../messaging/token-buckets.ts";
import type { Log } from "../observe/log.ts";
import { MessageSpans, type Spans } from "../observe/message-spans.ts";
import { NotKeptMessages } from "../observe/not-kept-messages.ts";
import { Trail } from "../observe/trail.ts";
import type { World } from "../world/world.ts";
import type { Domain } from "./domain.ts";
import { bucketsOf, type Foundation } from "./foundation.ts";

export interface MessageRoad {
  readonly sender: Sender;
  /** As `sender`, with traces where they are on. */
  readonly sending: Sending;
  readonly gateway: Gateway;
  readonly presence: Presence;
  readonly fanOut: FanOut;
  readonly acks: PendingAcks;
  readonly trail: Trail;
  readonly notKept: NotKeptMessages;
  /** How many gateway workers there are; 0: one thread does everything. */
  readonly workers: number;
}

export interface RoadListeners {
  /** Messages that are not kept. */
  passing(messages: readonly StoredMessage[]): void;
  /** As the trail. */
  readonly unacknowledged: AckExceptionTrail["exceptions"];
}

/** Nothing listens on a port yet. */
export async function buildMessageRoad(
  foundation: Foundation,
  domain: Domain,
  spans: Spans | undefined,
  listeners: RoadListeners,
): Promise<MessageRoad> {
  const { config, world, log, store, failed } = foundation;
  const { limits, rateLimit } = config;
  const { clock, timers } = world;
  const { ids, channels, conversations, users, sources, history, cursors } = domain;
  const workers = await loadWorkers(config, world, log);
  const sealer = openSealer(config, log, workers === undefined);
  const presence = new Presence();
  const trail = new Trail({
    store,
    clock,
    ids,
    timers,
    failed,
    limits: {
      usersMax: limits.trailUsersMax,
      waitingMax: limits.trailWaitingMax,
      waitingBytesMax: limits.trailWaitingBytesMax,
    },
  });
  const notKept = new NotKeptMessages(limits.notKeptMessagesMax);
  const acks = new PendingAcks({
    clock,
    timers,
    history,
    trail: {
      exceptions(...told) {
        trail.exceptions(...told);
        listeners.unacknowledged(...told);
      },
    },
    options: {
      ...PENDING_ACKS_DEFAULTS,
      intervalMs: config.messageRetry.intervalMs,
      sweepMs: config.messageRetry.scanIntervalMs,
      resendsMax: config.messageRetry.maxCount,
      perSessionMax: limits.pendingAcksMax,
    },
  });
  let gateway: Gateway | undefined;
  let fanOut: FanOut | undefined;
  const traces = spans && new MessageSpans(spans);
  const push = (messages: readonly StoredMessage[]): void => fanOut?.push(messages);
  const deliver = traces?.pushing(push) ?? push;
  const sender = new Sender({
    clock,
    store,
    channels,
    conversations,
    ids,
    isSystem: (uid) => sources.users.isSystem(uid),
    ...(sources.outside === undefined ? {} : { outside: sources.outside }),
    trail,
    failed,
    deliver: (messages) => {
      for (const message of messages) notKept.note(message);
      deliver(messages);
      listeners.passing(messages);
    },
    perUid: bucketsOf(foundation, rateLimit.uidPerSecond, rateLimit.uidBurst),
    isDeliveryFull: () =>
      fanOut !== undefined &&
      (fanOut.backlogMessages >= limits.fanOutMessagesMax ||
        fanOut.backlogBytes >= limits.fanOutBytesMax ||
        gateway?.isBehind === true),
    options: {
      personAllowListOff: config.whitelistOffOfPerson,
      payloadBytesMax: limits.payloadBytesMax,
      batchBytesMax: limits.commitBatchBytesMax,
      channelRate: rateOf(rateLimit.channelPerSecond, rateLimit.channelBurst),
    },
  });
  const sending = traces?.sending(sender) ?? sender;
  const options = gatewayOptions(config);
  const core = new LocalCore({
    users,
    sending,
    presence,
    acks,
    commands: cursors,
    trail,
    ids,
    perIp: bucketsOf(foundation, rateLimit.ipPerSecond, rateLimit.ipBurst),
    failed,
    closed: (reason, uid, ip) => {
      const details = { event: `connection.${reason}`, reason, uid, ip };
      if (reason === "slow_reader") log.warn("a connection was cut", details);
      else log.debug("a connection has ended", details);
    },
    options,
  });
  gateway =
    workers === undefined
      ? createGateway({ world, core, sealer, options })
      : new workers.GatewayWorkers({
          world,
          threads: workers.threads,
          core,
          presence,
          options,
          count: workers.count,
          queueBytesMax: limits.gatewayQueueBytesMax,
          lost: (error, connections, againInMs) =>
            log.error("a gateway worker has ended", { event: "gateway.worker_ended", error, connections, againInMs }),
        });
  fanOut = createFanOut({
    clock,
    timers,
    receivers: new ChannelReceivers(channels),
    presence,
    outbound: traces?.outbound(gateway.outbound) ?? gateway.outbound,
    acks,
    notPushed: (message) => trail.notPushed(message),
    failed,
    options: {
      ...FAN_OUT_DEFAULTS,
      sliceReceiversMax: limits.fanOutSliceReceivers,
      backlogMessagesMax: limits.fanOutMessagesMax * 2,
      backlogBytesMax: limits.fanOutBytesMax * 2,
    },
  });
  store.feed.tail(deliver);
  acks.start(gateway.outbound);
  return { sender, sending, gateway, presence, fanOut, acks, trail, notKept, workers: workers?.count ?? 0 };
}

function openSealer(config: Config, log: Log, isUsedHere: boolean): Sealer {
  const sealer = createSealer();
  if (config.disableEncryption) return sealer;
  if (isUsedHere) warmUp(sealer);
  if (sealer.kind === "wasm") log.debug("messages are sealed in WebAssembly", { event: "sealing.webassembly" });
  else log.warn("messages are sealed with node:crypto, which takes several times as long", { event: "sealing.slow" });
  return sealer;
}

/** undefined: one thread does everything. What only workers need is loaded only for them. */
async function loadWorkers({ gateway }: Config, { threads }: World, log: Log) {
  const count = workersFor(gateway.workers, threads);
  if (threads === undefined || count === 0) {
    if (gateway.workers !== "auto" && gateway.workers > 0)
      log.warn("gateway.workers has no effect: threads cannot listen together on this system", {
        event: "gateway.no_workers",
      });
    return undefined;
  }
  const { GatewayWorkers } = await import("../gateway/workers/gateway-workers.ts");
  return { GatewayWorkers, threads, count };
}
