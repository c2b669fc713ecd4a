/**
 * Which messages each session has not acknowledged yet, and sending them again. What waits is a position, never a payload:
 * a resend is read from history and encoded again, equal to the first. A session's entries lie in the order they are due,
 * because all wait the same time and one that is sent again goes to the end; so a look at the first one is enough.
 *
 * One sweep for all sessions. Messages that are not kept are not tracked. Whoever never answers gets a message
 * 1 + resendsMax times; whoever is gone finds it by sync.
 */
import type { History } from "../messaging/history.ts";
import {
  type ChannelKey,
  channelText,
  type LogName,
  type MessageId,
  type StoredMessage,
} from "../messaging/message.ts";
import type { Clock, Timer, Timers } from "../world/world.ts";
import { type AckException, AckExceptions, type AckExceptionTrail, holds } from "./ack-exceptions.ts";
import type { Outbound } from "./outbound.ts";

export interface PendingAcksDeps {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "after">;
  readonly history: Pick<History, "bySeqs">;
  /** Is told what was not acknowledged as usual: at each sweep, and when a session ends. */
  readonly trail: AckExceptionTrail;
  readonly options: PendingAcksOptions;
}

export interface PendingAcksOptions {
  readonly intervalMs: number;
  readonly sweepMs: number;
  readonly resendsMax: number;
  readonly perSessionMax: number;
  /** How many entries one sweep sends again at most; the others wait for the next. */
  readonly resendsPerSweepMax: number;
}

/** Plain data. What waits for a session that has gone is no outcome: the user finds it by sync. */
export interface PendingAcksStats {
  /** Pushes that wait for their RECVACK now. */
  readonly waiting: number;
  readonly acked: number;
  /** RECVACKs of nothing that waits. */
  readonly unknown: number;
  readonly resent: number;
  /** Pushed as often as may be and never acknowledged. */
  readonly exhausted: number;
  /** The oldest of a session that has too many. */
  readonly forgotten: number;
}

export const PENDING_ACKS_DEFAULTS: PendingAcksOptions = {
  intervalMs: 60_000,
  sweepMs: 5_000,
  resendsMax: 5,
  perSessionMax: 1024,
  resendsPerSweepMax: 20_000,
};

/** Where a message lies; shared by all who wait for it. */
export interface Position {
  readonly id: MessageId;
  readonly channel: ChannelKey;
  readonly log: LogName;
  readonly seq: number;
}

interface Entry {
  readonly position: Position;
  dueMs: number;
  resends: number;
  isDone: boolean;
}

/** How far the acknowledgement of one message by one session is. */
export interface AckState {
  readonly resends: number;
  /** Until it is sent again, or given up. */
  readonly dueInMs: number;
}

/** Positions read at a time. */
const READ_SEQS_MAX = 100;

export class PendingAcks {
  readonly #deps: PendingAcksDeps;
  readonly #sessions = new Map<number, Waiting>();
  #outbound: Pick<Outbound, "recv"> | undefined;
  #timer: Timer | undefined;
  #isResending = false;
  #acked = 0;
  #unknown = 0;
  #resent = 0;
  #exhausted = 0;
  #forgotten = 0;

  constructor(deps: PendingAcksDeps) {
    this.#deps = deps;
  }

  start(outbound: Pick<Outbound, "recv">): void {
    this.#outbound = outbound;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#outbound = undefined;
    this.#sessions.clear();
  }

  /** These sessions, all of them in presence, are being sent the message now. The array is not kept. */
  track(message: StoredMessage, sessionIds: readonly number[]): void {
    if (message.seq === 0) return;
    const position: Position = { id: message.id, channel: message.channel, log: message.log, seq: message.seq };
    const dueMs = this.#deps.clock.monotonicMs() + this.#deps.options.intervalMs;
    for (const id of sessionIds) {
      let waiting = this.#sessions.get(id);
      if (waiting === undefined) {
        waiting = new Waiting(this.#deps.clock);
        this.#sessions.set(id, waiting);
      }
      if (waiting.add({ position, dueMs, resends: 0, isDone: false }, this.#deps.options.perSessionMax))
        this.#forgotten++;
    }
  }

  /** What was acknowledged; undefined when the session did not wait for it. */
  acked(sessionId: number, id: MessageId, seq: number): Position | undefined {
    const position = this.#sessions.get(sessionId)?.take(id, seq);
    if (position === undefined) this.#unknown++;
    else this.#acked++;
    return position;
  }

  /** The session is gone. Called in the step that takes it out of presence. */
  forget(sessionId: number): void {
    const waiting = this.#sessions.get(sessionId);
    if (waiting === undefined) return;
    this.#sessions.delete(sessionId);
    waiting.end();
    this.#report(sessionId, waiting);
  }

  stats(): PendingAcksStats {
    let waiting = 0;
    for (const { count } of this.#sessions.values()) waiting += count;
    return {
      waiting,
      acked: this.#acked,
      unknown: this.#unknown,
      resent: this.#resent,
      exhausted: this.#exhausted,
      forgotten: this.#forgotten,
    };
  }

  waitingFor(sessionId: number): number {
    return this.#sessions.get(sessionId)?.count ?? 0;
  }

  /** Of all sessions. */
  get waitingCount(): number {
    let count = 0;
    for (const waiting of this.#sessions.values()) count += waiting.count;
    return count;
  }

  /** undefined: the session does not wait for it. */
  stateOf(sessionId: number, { channel, log, seq }: Omit<Position, "id">): AckState | AckException | undefined {
    const waiting = this.#sessions.get(sessionId);
    const entry = waiting?.find(channel, log, seq);
    if (entry !== undefined) {
      const dueInMs = Math.max(0, entry.dueMs - this.#deps.clock.monotonicMs());
      return { resends: entry.resends, dueInMs };
    }
    return waiting?.exceptions?.runs.find((run) => holds(run, channel, log, seq));
  }

  #arm(): void {
    this.#timer = this.#deps.timers.after(this.#deps.options.sweepMs, () => {
      this.#arm();
      if (!this.#isResending) this.#sweep();
    });
  }

  #sweep(): void {
    const { clock, options } = this.#deps;
    const nowMs = clock.monotonicMs();
    const due: Due[] = [];
    for (const [sessionId, waiting] of this.#sessions) {
      for (let entry = waiting.first(); entry !== undefined && entry.dueMs <= nowMs; entry = waiting.first()) {
        if (due.length >= options.resendsPerSweepMax) break;
        waiting.dropFirst();
        if (entry.resends >= options.resendsMax) {
          waiting.except("given_up", entry);
          this.#exhausted++;
          continue;
        }
        entry.resends++;
        entry.dueMs = nowMs + options.intervalMs;
        waiting.add(entry, options.perSessionMax);
        due.push({ sessionId, entry });
      }
      this.#report(sessionId, waiting);
      if (waiting.count === 0) this.#sessions.delete(sessionId);
      if (due.length >= options.resendsPerSweepMax) break;
    }
    if (due.length === 0) return;
    this.#isResending = true;
    void this.#resend(due).finally(() => {
      this.#isResending = false;
    });
  }

  #report(sessionId: number, waiting: Waiting): void {
    const { exceptions } = waiting;
    if (exceptions === undefined) return;
    waiting.exceptions = undefined;
    this.#deps.trail.exceptions(sessionId, exceptions.runs, exceptions.untold);
  }

  /** One read at a time. A read that fails leaves its entries for their next turn. */
  async #resend(due: readonly Due[]): Promise<void> {
    for (const group of groupByLog(due)) {
      const first = group[0]?.entry.position;
      if (first === undefined) continue;
      const seqs = [...new Set(group.map(({ entry }) => entry.position.seq))];
      let messages: readonly StoredMessage[];
      try {
        messages = await this.#deps.history.bySeqs(first.channel, first.log, seqs);
      } catch {
        continue;
      }
      const bySeq = new Map(messages.map((message) => [message.seq, message]));
      for (const { sessionId, entry } of group) {
        const message = bySeq.get(entry.position.seq);
        // Acknowledged or gone while it was read: nothing to send.
        if (entry.isDone || !this.#sessions.has(sessionId)) continue;
        if (message === undefined) this.#sessions.get(sessionId)?.drop(entry);
        else {
          this.#resent++;
          this.#outbound?.recv(message, [sessionId]);
        }
      }
    }
  }
}

interface Due {
  readonly sessionId: number;
  readonly entry: Entry;
}

function groupByLog(due: readonly Due[]): Due[][] {
  const open = new Map<string, Due[]>();
  const groups: Due[][] = [];
  for (const item of due) {
    const { channel, log } = item.entry.position;
    const key = log + channelText(channel);
    let group = open.get(key);
    if (group === undefined || group.length >= READ_SEQS_MAX) {
      group = [];
      open.set(key, group);
      groups.push(group);
    }
    group.push(item);
  }
  return groups;
}

/** One session's entries, first due first. Acknowledgements come in order nearly always, so the search is short. */
class Waiting {
  readonly #clock: Pick<Clock, "wallMs">;
  #entries: Entry[] = [];
  #first = 0;
  /** Not reported yet. */
  exceptions: AckExceptions | undefined;

  constructor(clock: Pick<Clock, "wallMs">) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#entries.length - this.#first;
  }

  first(): Entry | undefined {
    return this.#entries[this.#first];
  }

  /** The oldest gives way when there is no room: true then. */
  add(entry: Entry, countMax: number): boolean {
    const isFull = this.count >= countMax;
    if (isFull) {
      const oldest = this.first();
      if (oldest !== undefined) {
        oldest.isDone = true;
        this.except("forgotten", oldest);
      }
      this.dropFirst();
    }
    this.#entries.push(entry);
    return isFull;
  }

  dropFirst(): void {
    if (this.#first < this.#entries.length) this.#first++;
    if (this.#first === this.#entries.length) {
      this.#entries = [];
      this.#first = 0;
    } else if (this.#first >= 256 && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  take(id: MessageId, seq: number): Position | undefined {
    const index = this.#indexOf(id, seq);
    const entry = this.#entries[index];
    if (entry === undefined) return undefined;
    if (entry.resends > 0) this.except("late", entry);
    this.#remove(entry, index);
    return entry.position;
  }

  /** There is nothing left that could be sent again. */
  drop(entry: Entry): void {
    const index = this.#entries.indexOf(entry, this.#first);
    if (index < 0) return;
    this.except("gone", entry);
    this.#remove(entry, index);
  }

  find(channel: ChannelKey, log: LogName, seq: number): Entry | undefined {
    for (let index = this.#first; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      const position = entry?.position;
      if (position?.seq !== seq || position.log !== log) continue;
      if (position.channel.type === channel.type && position.channel.id === channel.id) return entry;
    }
    return undefined;
  }

  /** The session is gone, and with it whoever could acknowledge what still waits. */
  end(): void {
    for (let index = this.#first; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined) this.except("unacknowledged", entry);
    }
  }

  except(kind: AckException["kind"], entry: Entry): void {
    this.exceptions ??= new AckExceptions();
    this.exceptions.add(kind, entry.position, entry.resends, this.#clock.wallMs());
  }

  #remove(entry: Entry, index: number): void {
    entry.isDone = true;
    if (index === this.#first) this.dropFirst();
    else this.#entries.splice(index, 1);
  }

  /** By the id. A client that rounds the high word of ids (a web SDK does) is understood by the low word and the seq. */
  #indexOf(id: MessageId, seq: number): number {
    let rounded = -1;
    for (let index = this.#first; index < this.#entries.length; index++) {
      const position = this.#entries[index]?.position;
      if (position === undefined || position.id.low !== id.low) continue;
      if (position.id.high === id.high) return index;
      if (position.seq === seq && rounded < 0) rounded = index;
    }
    return rounded;
  }
}
