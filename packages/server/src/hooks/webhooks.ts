/** All of the webhooks: receivers, the followers that feed them, dead letters; and what operators see and do of them. */
import { kindOf } from "../messaging/channel-kinds.ts";
import { idTimeMs } from "../messaging/ids.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import type { WebhookState, WebhookTrail } from "../observe/webhook-trail.ts";
import type { FirstPosition } from "../store/feed.ts";
import type { Follower, Following, ReplayFrom } from "../store/follower-run.ts";
import { shardOfChannel } from "../store/shards.ts";
import type { DeadLetterRow } from "../store/tables.ts";
import type { World } from "../world/world.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { grpcTransport } from "./grpc-transport.ts";
import { httpTransport, type Transport } from "./http-transport.ts";
import { LagAlarm } from "./lag-alarm.ts";
import { MessageNotify } from "./message-notify.ts";
import { Receiver, type ReceiverState } from "./receiver.ts";
import { signingKeys } from "./signature.ts";
import { type EventName, type WebhookSender, WebhookStopped } from "./webhook.ts";

export interface WebhooksOptions {
  /** "": none. */
  readonly httpAddress: string;
  /** If set, events go there and not to `httpAddress`. */
  readonly grpcAddress: { readonly host: string; readonly port: number } | null;
  /** For `msg.notify` of agent channels; "": they go where all others go. */
  readonly agentHttpAddress: string;
  readonly secret: string;
  /** Empty: all. */
  readonly focusEvents: readonly string[];
  readonly pushIntervalMs: number;
  readonly messagesPerPush: number;
  readonly triesMax: number;
  readonly pauseLongestMs: number;
  readonly requestsMax: number;
  readonly memoryBytesMax: number;
  readonly lagAgeMsMax: number;
}

export interface WebhooksDeps {
  readonly world: Pick<World, "clock" | "timers" | "random" | "http" | "grpc">;
  readonly feed: {
    follow(follower: Follower, from: FirstPosition, failed: (error: unknown) => void): Promise<Following>;
  };
  readonly deadLetters: DeadLetters;
  readonly log: {
    info(text: string, details: Readonly<Record<string, unknown>>): void;
    warn(text: string, details: Readonly<Record<string, unknown>>): void;
    error(text: string, details: Readonly<Record<string, unknown>>): void;
  };
  readonly options: WebhooksOptions;
}

export interface FollowerState {
  readonly name: string;
  readonly lagMessages: number;
  /** `lagMessages` is a lower bound still. */
  readonly isCounting: boolean;
  /** Of the oldest message that waits; 0: none does. */
  readonly oldestAgeMs: number;
}

export interface WebhooksState {
  readonly followers: readonly FollowerState[];
  readonly receivers: readonly ReceiverState[];
  readonly deadLetters: { readonly count: number; readonly bytes: number };
}

export interface RetryResult {
  readonly delivered: number;
  readonly failed: number;
  /** Of the last one that failed. */
  readonly reason: string;
}

const MAIN = "webhook";
const AGENT = "agent";
const NOTIFY = "webhook.notify";
const NOTIFY_AGENT = "webhook.notify.agent";

export class Webhooks implements WebhookTrail {
  readonly #deps: WebhooksDeps;
  readonly #receivers = new Map<string, Receiver>();
  readonly #followed: { readonly following: Following; readonly alarm: LagAlarm }[] = [];

  private constructor(deps: WebhooksDeps) {
    this.#deps = deps;
    const { options, world } = deps;
    const keys = signingKeys(options.secret);
    if (options.grpcAddress !== null) this.#addReceiver(MAIN, grpcTransport(world, options.grpcAddress, keys));
    else if (options.httpAddress !== "") this.#addReceiver(MAIN, httpTransport(world, options.httpAddress, keys));
    if (options.agentHttpAddress !== "") this.#addReceiver(AGENT, httpTransport(world, options.agentHttpAddress, keys));
  }

  /** Resolves when every message that is committed from then on will be told of. Rejects with `StoreUnavailable`. */
  static async start(deps: WebhooksDeps): Promise<Webhooks> {
    const webhooks = new Webhooks(deps);
    const main = webhooks.#receivers.get(MAIN);
    const agent = webhooks.#receivers.get(AGENT);
    if (agent !== undefined) await webhooks.#notify(NOTIFY_AGENT, agent, isOfAgent, { like: NOTIFY });
    if (main !== undefined)
      await webhooks.#notify(NOTIFY, main, agent === undefined ? isAny : (message) => !isOfAgent(message), "now");
    return webhooks;
  }

  /** Where events go that are no `msg.notify` of an agent channel; undefined: nowhere. */
  get sender(): WebhookSender | undefined {
    return this.#receivers.get(MAIN);
  }

  /** For the makers of other events. It is watched and stopped with the rest. */
  async follow(follower: Follower, from: FirstPosition): Promise<void> {
    const { feed, log, options, world } = this.#deps;
    const { name } = follower;
    const following = await feed.follow(follower, from, (error) => {
      if (!(error instanceof WebhookStopped))
        log.error("a follower has failed", { event: "follower.failed", follower: name, error });
    });
    const alarm = new LagAlarm({
      clock: world.clock,
      timers: world.timers,
      following,
      ageMsMax: options.lagAgeMsMax,
      lags: (lag) => log.warn("webhook events are late", { event: "webhook.late", follower: name, ...lag }),
      recovered: () => log.info("webhook events are no longer late", { event: "webhook.in_time", follower: name }),
    });
    this.#followed.push({ following, alarm });
  }

  get deadLetters(): Pick<DeadLetters, "list" | "find" | "discard"> {
    return this.#deps.deadLetters;
  }

  state(): WebhooksState {
    const { deadLetters, world } = this.#deps;
    const nowMs = world.clock.wallMs();
    return {
      followers: this.#followed.map(({ following: { name, lagMessages, isCounting, oldestMs } }) => ({
        name,
        lagMessages,
        isCounting,
        oldestAgeMs: oldestMs === undefined ? 0 : Math.max(0, nowMs - oldestMs),
      })),
      receivers: [...this.#receivers.values()].map(({ state }) => state),
      deadLetters: { count: deadLetters.count, bytes: deadLetters.bytes },
    };
  }

  /** What has become of a stored message's `msg.notify`. */
  stateOf({ id, channel }: Pick<StoredMessage, "id" | "channel">): WebhookState {
    const name = this.#receivers.has(AGENT) && isOfAgent({ channel }) ? NOTIFY_AGENT : NOTIFY;
    const followed = this.#followed.find(({ following }) => following.name === name);
    if (followed === undefined) return "off";
    if (!followed.following.isPast(shardOfChannel(channel), id)) return "waiting";
    return this.#deps.deadLetters.tellsOf(id) ? "dead" : "delivered";
  }

  /** Of one follower, or of all that make `msg.notify`: nobody wants old pushes by the way. false: there is none of that name. */
  async replay(name: string, from: ReplayFrom): Promise<boolean> {
    const asked = this.#followed.filter(({ following }) =>
      name === "" ? following.name.startsWith(NOTIFY) : following.name === name,
    );
    await Promise.all(asked.map(({ following }) => following.replay(from)));
    const fromMs = "timeMs" in from ? from.timeMs : idTimeMs(from.id);
    for (const { following } of asked)
      this.#deps.log.info("webhook events are sent again", {
        event: "webhook.replay",
        follower: following.name,
        fromMs,
      });
    return asked.length > 0;
  }

  /** Sends dead letters again, once, in the order given; those that are taken are gone. Ends early when a receiver is down. */
  async retry(ids: readonly MessageId[]): Promise<RetryResult> {
    const { deadLetters } = this.#deps;
    let delivered = 0;
    let failed = 0;
    let reason = "";
    for (const id of ids) {
      const letter = deadLetters.find(id);
      if (letter === undefined) continue;
      const outcome = await this.#retryOne(letter.row, letter.body);
      if (outcome === "") {
        await deadLetters.discard([id]);
        delivered++;
        continue;
      }
      failed++;
      reason = outcome;
      if (this.#receivers.get(letter.row.receiver)?.state.isDown !== false) break;
    }
    return { delivered, failed, reason };
  }

  async stop(): Promise<void> {
    for (const { alarm } of this.#followed) alarm.stop();
    // First, so that what the receivers give up is not tried again.
    const stopping = this.#followed.map(({ following }) => following.stop());
    for (const receiver of this.#receivers.values()) receiver.stop();
    await Promise.all(stopping);
  }

  /** Why it was not taken; "" when it was. */
  async #retryOne(row: DeadLetterRow, body: Uint8Array): Promise<string> {
    const receiver = this.#receivers.get(row.receiver);
    if (receiver === undefined) return `there is no receiver ${row.receiver} now`;
    const { isDown, reason, requests, waiting } = receiver.state;
    // Others are trying already, and this one would wait behind them.
    if (isDown && requests + waiting > 0) return reason;
    const outcome = await receiver.try({ name: row.eventName as EventName, id: row.eventId, body });
    return outcome.kind === "taken" ? "" : outcome.reason;
  }

  async #notify(
    name: string,
    receiver: Receiver,
    wants: (message: StoredMessage) => boolean,
    from: FirstPosition,
  ): Promise<void> {
    if (!receiver.wants("msg.notify")) return;
    const { options, world } = this.#deps;
    const follower = new MessageNotify(receiver, world.timers, {
      name,
      messagesMax: options.messagesPerPush,
      lingerMs: options.pushIntervalMs,
      bytesMax: options.memoryBytesMax,
      wants,
    });
    await this.follow(follower, from);
  }

  #addReceiver(name: string, transport: Transport): void {
    const { deadLetters, log, options, world } = this.#deps;
    const { focusEvents, requestsMax, triesMax, pauseLongestMs } = options;
    const receiver = new Receiver({
      world,
      transport,
      deadLetters,
      told: {
        down: (reason) =>
          log.warn("a webhook receiver does not take events, they wait", {
            event: "webhook.down",
            receiver: name,
            reason,
          }),
        up: () => log.info("a webhook receiver takes events again", { event: "webhook.up", receiver: name }),
        laidAside: (event, reason) =>
          log.warn("a webhook event is refused and laid aside", {
            event: "webhook.laid_aside",
            receiver: name,
            name: event.name,
            id: event.id,
            reason,
          }),
        full: (event) =>
          log.error("a webhook event is refused and cannot be laid aside, others wait behind it", {
            event: "webhook.dead_letters_full",
            receiver: name,
            name: event.name,
            id: event.id,
            deadLetters: deadLetters.count,
          }),
      },
      options: {
        name,
        wants: (event) => focusEvents.length === 0 || focusEvents.includes(event),
        requestsMax,
        triesMax,
        pauseLongestMs,
      },
    });
    this.#receivers.set(name, receiver);
  }
}

function isAny(): boolean {
  return true;
}

function isOfAgent({ channel }: Pick<StoredMessage, "channel">): boolean {
  return kindOf(channel.type).name === "agent";
}
