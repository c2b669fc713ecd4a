/**
 * Users who are connected but acknowledge nothing: a phone in the background keeps its socket for minutes and shows
 * nothing. Who has not acknowledged a message some time after it was pushed to all his master devices counts as offline
 * for it.
 *
 * In memory, so at best: what is watched when the process ends is not told of, and beyond its bound nothing more is
 * watched.
 */
import { type AckException, holds } from "../delivery/ack-exceptions.ts";
import { Fifo } from "../delivery/fifo.ts";
import type { PendingAcks } from "../delivery/pending-acks.ts";
import type { Presence } from "../delivery/presence.ts";
import type { Session } from "../delivery/session.ts";
import type { ChannelKey, LogName, MessageId, StoredMessage } from "../messaging/message.ts";
import type { Clock, Timer, Timers } from "../world/world.ts";

export interface UnacknowledgedPushesDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly timers: Pick<Timers, "after">;
  readonly presence: Pick<Presence, "of">;
  readonly acks: Pick<PendingAcks, "stateOf">;
  /** Nobody of these has acknowledged it, and none has come back. Never rejects. */
  tell(push: Push, uids: readonly string[]): void;
  /** For the log: the first one since the line was empty finds no room. */
  readonly full: () => void;
  readonly options: UnacknowledgedPushesOptions;
}

export interface UnacknowledgedPushesOptions {
  readonly afterMs: number;
  /** Receivers, over all messages. */
  readonly receiversMax: number;
}

/** Where the message lies. */
export interface Push {
  readonly id: MessageId;
  readonly channel: ChannelKey;
  readonly log: LogName;
  readonly seq: number;
}

/** Of whom it is to be known whether he acknowledges. */
export interface PushReceiver {
  readonly uid: string;
  /** His master devices. */
  readonly sessionIds: readonly number[];
}

interface Watched extends Push {
  readonly receivers: readonly PushReceiver[];
  readonly dueMs: number;
}

/** Sessions of which it is remembered what they left unacknowledged. */
const SESSIONS_MAX = 10_000;
/** Of each the last runs of messages. */
const RUNS_MAX = 32;

export class UnacknowledgedPushes {
  readonly #deps: UnacknowledgedPushesDeps;
  readonly #watched = new Fifo<Watched>();
  #receivers = 0;
  #isFull = false;
  #timer: Timer | undefined;
  #isStopped = false;
  /** By session, in the order of their last notes. */
  readonly #notes = new Map<number, readonly AckException[]>();

  constructor(deps: UnacknowledgedPushesDeps) {
    this.#deps = deps;
  }

  watch(message: StoredMessage, receivers: readonly PushReceiver[]): void {
    if (receivers.length === 0 || this.#isStopped) return;
    const { clock, options } = this.#deps;
    if (this.#receivers + receivers.length > options.receiversMax) {
      if (!this.#isFull) this.#deps.full();
      this.#isFull = true;
      return;
    }
    const { id, channel, log, seq } = message;
    this.#watched.push({ id, channel, log, seq, receivers, dueMs: clock.monotonicMs() + options.afterMs });
    this.#receivers += receivers.length;
    this.#arm();
  }

  /** What a session has not acknowledged and will no more, see `AckExceptionTrail`. */
  exceptions(sessionId: number, list: readonly AckException[]): void {
    if (this.#watched.length === 0) return;
    const unacknowledged = list.filter(({ kind }) => kind !== "late" && kind !== "gone");
    if (unacknowledged.length === 0) return;
    const runs = [...(this.#notes.get(sessionId) ?? []), ...unacknowledged].slice(-RUNS_MAX);
    this.#notes.delete(sessionId);
    this.#notes.set(sessionId, runs);
    if (this.#notes.size <= SESSIONS_MAX) return;
    for (const oldest of this.#notes.keys()) {
      this.#notes.delete(oldest);
      return;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    const first = this.#watched.first();
    if (this.#timer !== undefined || first === undefined) return;
    const { clock, timers } = this.#deps;
    this.#timer = timers.after(Math.max(0, first.dueMs - clock.monotonicMs()), () => {
      this.#timer = undefined;
      this.#tellDue();
      this.#arm();
    });
  }

  #tellDue(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (let push = this.#watched.first(); push !== undefined && push.dueMs <= nowMs; push = this.#watched.first()) {
      this.#watched.shift();
      this.#receivers -= push.receivers.length;
      const uids = this.#unreached(push);
      if (uids.length > 0) this.#deps.tell(push, uids);
    }
    if (this.#watched.length > 0) return;
    this.#isFull = false;
    this.#notes.clear();
  }

  #unreached(push: Watched): readonly string[] {
    return push.receivers.filter((receiver) => this.#isUnreached(push, receiver)).map(({ uid }) => uid);
  }

  /** A master device that has come since has got the message from its sync. */
  #isUnreached(push: Push, { uid, sessionIds }: PushReceiver): boolean {
    const { presence } = this.#deps;
    if (!sessionIds.every((id) => this.#isUnacknowledged(push, id))) return false;
    return presence.of(uid).every((session) => !isMaster(session) || sessionIds.includes(session.id));
  }

  #isUnacknowledged({ channel, log, seq }: Push, sessionId: number): boolean {
    const { acks } = this.#deps;
    const state = acks.stateOf(sessionId, { channel, log, seq });
    if (state !== undefined && "dueInMs" in state) return true;
    return this.#notes.get(sessionId)?.some((run) => holds(run, channel, log, seq)) === true;
  }
}

export function isMaster({ deviceLevel }: Pick<Session, "deviceLevel">): boolean {
  return deviceLevel === "master";
}
