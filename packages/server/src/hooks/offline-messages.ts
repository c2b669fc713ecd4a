/**
 * `msg.offline`: who has no master device online is told of by the back end, which sends a push to his phone. It is
 * decided when the follower comes to the message, from the members and sessions of that moment. A message that is late
 * by then (the receiver was down, the server was) is only for those who have not come to it themselves meanwhile.
 *
 * Who is online but acknowledges nothing may be told of later, see `UnacknowledgedPushes`.
 *
 * After a restart nothing is decided for a grace time, in which the apps connect again. Messages that are not kept do
 * not pass the feed: they are decided from memory, at best, see `PassingMessages`.
 */
import { int64ToText } from "@wukong-ts/protocol";
import type { Presence } from "../delivery/presence.ts";
import type { ChannelCache } from "../messaging/channel-cache.ts";
import { kindOf } from "../messaging/channel-kinds.ts";
import type { Conversations } from "../messaging/conversations.ts";
import type { History } from "../messaging/history.ts";
import { compareIds } from "../messaging/ids.ts";
import { channelText, type StoredMessage } from "../messaging/message.ts";
import type { Receivers } from "../messaging/receivers.ts";
import type { Roster } from "../messaging/roster.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import type { Follower } from "../store/follower-run.ts";
import type { Clock, Timer, Timers } from "../world/world.ts";
import { offlineBody } from "./offline-body.ts";
import { isPast, isTellable, isToldOffline } from "./offline-decision.ts";
import { Turns } from "./turns.ts";
import { isMaster, type Push, type PushReceiver, type UnacknowledgedPushes } from "./unacknowledged-pushes.ts";
import { type WebhookSender, WebhookStopped } from "./webhook.ts";

export interface OfflineMessagesDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly channels: Pick<ChannelCache, "peek">;
  readonly conversations: Pick<Conversations, "durable" | "ownLastIn">;
  readonly receivers: Receivers;
  readonly presence: Pick<Presence, "of">;
  readonly webhook: Pick<WebhookSender, "deliver">;
  readonly history: Pick<History, "bySeqs">;
  /** Who is online, but may not be there. undefined: who is online is. */
  readonly unacknowledged: Pick<UnacknowledgedPushes, "watch"> | undefined;
  /** For the log: nobody is told of a message, because something should not have thrown. */
  readonly failed: (error: unknown) => void;
  readonly options: OfflineMessagesOptions;
}

export interface OfflineMessagesOptions {
  readonly nodeId: number;
  readonly compressOver: number;
  /** Of messages that are held in memory until they are handled. */
  readonly heldBytesMax: number;
  /** A message for more users is told in several calls. */
  readonly uidsPerCallMax: number;
  /** Nobody is told of an older message; 0: whatever its age. */
  readonly ageMsMax: number;
  /** How long nothing is decided; 0 on the very first start. */
  readonly graceMs: number;
}

/** Older messages are looked at more closely; so are those of the time before the start. */
const LATE_MS = 10_000;
/** Messages that are decided or on their way to the receiver at once: so many bodies are in memory, and decided early. */
const SIDE_BY_SIDE = 16;
/** Receivers that are asked before other work gets its turn. */
const SLICE_RECEIVERS = 500;

export class OfflineMessages implements Follower {
  readonly name = "webhook.offline";
  readonly messagesMax = 100;
  readonly lingerMs = 0;
  readonly bytesMax: number;
  readonly #deps: OfflineMessagesDeps;
  readonly #startedMs: number;
  readonly #turns = new Turns(SIDE_BY_SIDE);
  readonly #grace: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #graceTimer: Timer | undefined;
  #isStopped = false;

  constructor(deps: OfflineMessagesDeps) {
    this.#deps = deps;
    this.bytesMax = deps.options.heldBytesMax;
    this.#startedMs = deps.clock.wallMs();
    // Stopped before anybody waited for it.
    this.#grace.promise.catch(() => undefined);
    const { graceMs } = deps.options;
    if (graceMs > 0) this.#graceTimer = deps.timers.after(graceMs, this.#grace.resolve);
    else this.#grace.resolve();
  }

  /** The messages of one log one after another, those of different ones side by side. */
  async handle(_shard: number, messages: readonly StoredMessage[]): Promise<void> {
    const logs = Map.groupBy(messages, (message) => message.log + channelText(message.channel));
    const outcomes = await Promise.allSettled([...logs.values()].map((log) => this.#tellInOrder(log)));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Resolves when the receiver has all it is to be told of the message. */
  async tell(message: StoredMessage): Promise<void> {
    await this.#grace.promise;
    await this.#turns.take();
    try {
      if (this.#isStopped) throw new WebhookStopped();
      const { clock, options } = this.#deps;
      if (isTellable(message, clock.wallMs(), options.ageMsMax)) await this.#tellReceivers(message);
    } finally {
      this.#turns.end();
    }
  }

  /** Those who are online but have not acknowledged it. Never rejects. */
  async tellUnacknowledged({ id, channel, log, seq }: Push, uids: readonly string[]): Promise<void> {
    await this.#turns.take();
    try {
      const { history, clock, options } = this.#deps;
      const [message] = this.#isStopped ? [] : await history.bySeqs(channel, log, [seq]);
      if (message === undefined || compareIds(message.id, id) !== 0) return;
      if (!isTellable(message, clock.wallMs(), options.ageMsMax)) return;
      const told = uids.filter((uid) => !this.#isPast(message, uid));
      for (let from = 0, part = 0; from < told.length; from += options.uidsPerCallMax, part++)
        await this.#deliver(message, told.slice(from, from + options.uidsPerCallMax), `unacknowledged-${part}`);
    } catch (error) {
      this.#deps.failed(error);
    } finally {
      this.#turns.end();
    }
  }

  /** What is not yet decided waits no longer, and is handled after the next start. */
  stop(): void {
    this.#isStopped = true;
    this.#graceTimer?.cancel();
    this.#grace.reject(new WebhookStopped());
  }

  async #tellInOrder(messages: readonly StoredMessage[]): Promise<void> {
    for (const message of messages) {
      try {
        await this.tell(message);
      } catch (error) {
        // These pass. Anything else is a row that cannot be read: one push must not hold up all that come after it.
        if (error instanceof StoreUnavailable || error instanceof WebhookStopped) throw error;
        this.#deps.failed(error);
      }
    }
  }

  async #tellReceivers(message: StoredMessage): Promise<void> {
    const { clock, receivers, presence, options } = this.#deps;
    const sentMs = message.timeSeconds * 1000;
    const isLate = clock.wallMs() - sentMs > LATE_MS || sentMs < this.#startedMs;
    const set = await receivers.of(message);
    const denied = this.#denyList(message);
    try {
      let uids: string[] = [];
      const online: PushReceiver[] = [];
      let asked = 0;
      let part = 0;
      for (const uid of set.uids) {
        if (++asked % SLICE_RECEIVERS === 0) await this.#nextTurn();
        const isDenied = denied?.hasDurable(uid) === true;
        const sessions = presence.of(uid);
        const candidate = { uid, isDenied, isPast: isLate && this.#isPast(message, uid) };
        if (!isToldOffline(message.fromUid, { ...candidate, sessions })) {
          if (this.#deps.unacknowledged !== undefined && isToldOffline(message.fromUid, { ...candidate, sessions: [] }))
            online.push({ uid, sessionIds: sessions.filter(isMaster).map((session) => session.id) });
          continue;
        }
        uids.push(uid);
        if (uids.length < options.uidsPerCallMax) continue;
        await this.#deliver(message, uids, part++);
        uids = [];
      }
      if (message.seq > 0) this.#deps.unacknowledged?.watch(message, online);
      if (uids.length > 0) await this.#deliver(message, uids, part);
    } finally {
      set.release();
    }
  }

  /** Of the channel that its receivers were taken from; it is loaded. */
  #denyList({ channel, receivers }: StoredMessage): Roster | undefined {
    if (receivers !== undefined || kindOf(channel.type).members === "implied") return undefined;
    return this.#deps.channels.peek(channel)?.deny;
  }

  #isPast(message: StoredMessage, uid: string): boolean {
    const { conversations } = this.#deps;
    const { channel } = message;
    return isPast(message, conversations.durable(uid, channel), conversations.ownLastIn(uid, channel));
  }

  async #deliver(message: StoredMessage, toUids: readonly string[], part: number | string): Promise<void> {
    await this.#deps.webhook.deliver({
      name: "msg.offline",
      id: `offline-${int64ToText(message.id)}-${part}`,
      body: offlineBody(message, toUids, this.#deps.options),
      messageIds: [message.id],
    });
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#deps.timers.soon(resolve));
  }
}
