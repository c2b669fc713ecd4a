/**
 * The logins and ends of sessions that the back end has not been told of, in order, and which sessions it believes to be
 * online. What happens is gathered for a moment and written together, so a login costs no write of its own. An event is
 * told only when it is durable; its row goes when it has been told. Both tables lie in the global shard.
 *
 * At most `eventsMax` wait. Beyond, of the events of one uid and device flag only the newest stays, which carries the
 * counts; if that does not help, the oldest ones are given up: an end of a session among them is told after the next
 * start.
 */
import type { MessageId } from "../messaging/message.ts";
import { createBatch, put, remove } from "../store/batch.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type StatusEvent, statusEventTable, type ToldOnline, toldOnlineTable } from "../store/tables.ts";
import type { Timer, Timers } from "../world/world.ts";

export interface StatusOutboxDeps {
  readonly store: Store;
  readonly timers: Timers;
  /** Something can be told. */
  ready(): void;
  /** So many events were given up. */
  dropped(events: number): void;
  readonly options: { readonly eventsMax: number };
}

/** A state of one session that is not written yet. */
interface TellingState {
  readonly session: ToldOnline;
  readonly isOnline: boolean;
  /** An earlier state may be on disk. */
  readonly isWritten: boolean;
}

/** What one write holds. */
interface Flush {
  readonly events: readonly StatusEvent[];
  readonly states: ReadonlyMap<string, TellingState>;
  readonly told: readonly MessageId[];
}

/** How long is gathered. */
const GATHER_MS = 50;
/** Until a write that was refused is tried again. */
const RETRY_MS = 500;
/** What is left of the bound when the oldest are given up. */
const KEPT_SHARE = 0.9;

export class StatusOutbox {
  readonly #deps: StatusOutboxDeps;
  /** Durable, in order; the first `#underWay` are being told. */
  #waiting: StatusEvent[];
  #underWay = 0;
  #fresh: StatusEvent[] = [];
  #states = new Map<string, TellingState>();
  #told: MessageId[] = [];
  #timer: Timer | undefined;
  #writing: Promise<boolean> | undefined;

  /** `waiting`: what an earlier life of the process has left. */
  constructor(deps: StatusOutboxDeps, waiting: readonly StatusEvent[]) {
    this.#deps = deps;
    this.#waiting = [...waiting];
  }

  /** `event.id` is greater than all before. */
  add(event: StatusEvent): void {
    this.#fresh.push(event);
    this.setTold(event, event.isOnline);
    if (this.length > this.#deps.options.eventsMax) this.#shrink();
  }

  /** Notes what the back end believes of this session once it knows of all that waits; makes no event. */
  setTold({ uid, deviceFlag, session }: ToldOnline, isOnline: boolean): void {
    const key = `${session} ${deviceFlag} ${uid}`;
    const earlier = this.#states.get(key);
    const isWritten = earlier === undefined ? !isOnline : earlier.isWritten;
    if (!isOnline && !isWritten) this.#states.delete(key);
    else this.#states.set(key, { session: { uid, deviceFlag, session }, isOnline, isWritten });
    this.#flushAfter(GATHER_MS);
  }

  get length(): number {
    return this.#waiting.length + this.#fresh.length;
  }

  /** The first durable events, at most so many; they stay until `settle`. */
  take(countMax: number): readonly StatusEvent[] {
    const first = this.#waiting.slice(0, countMax);
    this.#underWay = first.length;
    return first;
  }

  /** What was taken has been told (or, false, is still to be told). */
  settle(isTold: boolean): void {
    if (isTold) {
      for (const { id } of this.#waiting.splice(0, this.#underWay)) this.#told.push(id);
      this.#flushAfter(GATHER_MS);
    }
    this.#underWay = 0;
  }

  /** Writes everything now; false when it could not be written. */
  async flush(): Promise<boolean> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#writing !== undefined) await this.#writing;
    if (!this.#hasUnwritten()) return true;
    this.#writing = this.#write();
    const isWritten = await this.#writing;
    this.#writing = undefined;
    if (this.#hasUnwritten()) this.#flushAfter(isWritten ? GATHER_MS : RETRY_MS);
    return isWritten;
  }

  #hasUnwritten(): boolean {
    return this.#fresh.length + this.#states.size + this.#told.length > 0;
  }

  #flushAfter(delayMs: number): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = this.#deps.timers.after(delayMs, () => void this.flush());
  }

  /** Never rejects. */
  #write(): Promise<boolean> {
    const { store } = this.#deps;
    if (store.refusal() !== null) return Promise.resolve(false);
    const flush: Flush = { events: this.#fresh, states: this.#states, told: this.#told };
    this.#fresh = [];
    this.#states = new Map();
    this.#told = [];
    const batch = createBatch(GLOBAL_SHARD);
    for (const event of flush.events) put(batch, statusEventTable, event.id, event);
    for (const { session, isOnline } of flush.states.values())
      if (isOnline) put(batch, toldOnlineTable, session, session);
      else remove(batch, toldOnlineTable, session);
    for (const id of flush.told) remove(batch, statusEventTable, id);
    return new Promise((resolve) => {
      store.commit(batch, (failure) => {
        if (failure === null) this.#wrote(flush.events);
        else this.#putBack(flush);
        resolve(failure === null);
      });
    });
  }

  #wrote(events: readonly StatusEvent[]): void {
    if (events.length === 0) return;
    for (const event of events) this.#waiting.push(event);
    this.#deps.ready();
  }

  /** It may be on disk all the same: written again, it is the same. */
  #putBack(flush: Flush): void {
    this.#fresh = [...flush.events, ...this.#fresh];
    this.#told = [...flush.told, ...this.#told];
    for (const [key, state] of flush.states) {
      const later = this.#states.get(key);
      this.#states.set(key, { ...(later ?? state), isWritten: true });
    }
  }

  #shrink(): void {
    const kept = this.#newestPerDevice();
    const max = Math.max(1, Math.floor(this.#deps.options.eventsMax * KEPT_SHARE));
    const surplus = kept.length > max ? kept.length - max : 0;
    const keptIds = new Set(kept.slice(surplus).map(({ id }) => id));
    for (const event of kept.slice(0, surplus)) if (!event.isOnline) this.setTold(event, true);
    const isUnderWay = new Set(this.#waiting.slice(0, this.#underWay));
    const isKept = (event: StatusEvent): boolean => {
      if (isUnderWay.has(event) || keptIds.has(event.id)) return true;
      this.#told.push(event.id);
      return false;
    };
    this.#waiting = this.#waiting.filter(isKept);
    this.#fresh = this.#fresh.filter(isKept);
    if (surplus > 0) this.#deps.dropped(surplus);
  }

  /** Of those that are not under way. */
  #newestPerDevice(): readonly StatusEvent[] {
    const newest = new Map<string, StatusEvent>();
    for (const event of [...this.#waiting.slice(this.#underWay), ...this.#fresh]) {
      const key = `${event.deviceFlag} ${event.uid}`;
      newest.delete(key);
      newest.set(key, event);
    }
    return [...newest.values()];
  }
}
