/**
 * Keeps the trails of users: news are gathered in memory and written about once a second, many users in one batch, beside
 * whatever else is written and never waited for. Bounded three ways: a user's trail (`user-trail.ts`), the users on disk
 * (who was not heard of for longest is dropped first), and the news that wait. What a crash takes is the last second.
 *
 * Who is only known from failed logins is kept in memory: else anybody could push the others out.
 */
import { COMMAND_SUFFIX } from "@wukong-ts/protocol";
import type { AckException, AckExceptionTrail } from "../delivery/ack-exceptions.ts";
import type { Session } from "../delivery/session.ts";
import type { SessionTrail } from "../delivery/session-trail.ts";
import type { IdGenerator } from "../messaging/ids.ts";
import { LruMap } from "../messaging/lru-map.ts";
import { type LogName, MessageFlag, type MessageId, type StoredMessage } from "../messaging/message.ts";
import type { RefusalRule, RefusalTrail, RefusedSend } from "../messaging/refusals.ts";
import { CHANNEL_ID_BYTES_MAX, CLIENT_MSG_NO_BYTES_MAX, fits, UID_BYTES_MAX } from "../messaging/valid-ids.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import type { Store } from "../store/store.ts";
import type { Clock, Timer, Timers } from "../world/world.ts";
import { SERVER, TrailStore } from "./trail-store.ts";
import {
  addNews,
  emptyTrail,
  noteLoginFailure,
  notePush,
  noteRefusal,
  noteRepeated,
  noteSession,
  refusalLike,
  type SessionNote,
  sessionNote,
  type UserTrail,
} from "./user-trail.ts";

export interface TrailDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Orders the comings and goings of sessions among the messages. */
  readonly ids: Pick<IdGenerator, "next" | "continueAfter">;
  readonly timers: Pick<Timers, "after">;
  /** For the log. */
  readonly failed: (error: unknown) => void;
  readonly limits: TrailLimits;
}

export interface TrailLimits {
  /** On disk. */
  readonly usersMax: number;
  /** Whose news wait to be written; more are dropped. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
}

const FLUSH_MS = 1_000;
/** While more waits than one write takes. */
const NEXT_FLUSH_MS = 20;
/** One write keeps the process busy for a millisecond or two. */
const USERS_PER_WRITE = 100;
const STRANGERS_MAX = 1_000;
/** What notes cost while they wait, roughly. */
const USER_COST_BYTES = 400;
const NOTE_COST_BYTES = 200;

const SERVER_SESSION: Session = {
  id: 0,
  uid: SERVER,
  deviceId: "",
  deviceFlag: 0,
  deviceLevel: "slave",
  version: 0,
  connectedAtMs: 0,
};

interface OpenSession {
  readonly uid: string;
  readonly note: SessionNote;
}

export class Trail implements SessionTrail, RefusalTrail, AckExceptionTrail {
  /** This run of the server: when it began. */
  readonly boot: number;
  readonly #deps: TrailDeps;
  readonly #disk: TrailStore;
  readonly #server: SessionNote;
  readonly #open = new Map<number, OpenSession>();
  readonly #strangers = new LruMap<UserTrail>();
  #news = new Map<string, UserTrail>();
  #newsBytes = 0;
  /** Handed to the store and not settled. */
  #writing = new Map<string, UserTrail>();
  #flushing: Promise<boolean> | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  #dropped = 0;

  constructor(deps: TrailDeps) {
    this.#deps = deps;
    this.#disk = new TrailStore(deps.store, deps.limits.usersMax);
    const last = this.#disk.read(SERVER)?.sessions.at(-1);
    if (last !== undefined) deps.ids.continueAfter(last.left.high === 0 ? last.opened : last.left);
    // Grows, whatever the clock does.
    this.boot = Math.max(deps.clock.wallMs(), (last?.boot ?? 0) + 1);
    this.#server = sessionNote(this.boot, SERVER_SESSION, deps.ids.next());
    this.#noteSession(SERVER, this.#server);
  }

  /** Notes that found no room since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  // ---- what is told

  opened(session: Session): void {
    const note = sessionNote(this.boot, session, this.#deps.ids.next());
    this.#open.set(session.id, { uid: session.uid, note });
    this.#noteSession(session.uid, note);
  }

  left({ id, uid }: Session, reason: string): void {
    const note = this.#open.get(id)?.note;
    if (note === undefined) return;
    this.#open.delete(id);
    note.left = this.#deps.ids.next();
    note.reason = reason;
    this.#noteSession(uid, note);
  }

  loginFailed(uid: string, deviceFlag: number, reason: string): void {
    const nowMs = this.#deps.clock.wallMs();
    const news = this.#newsOf(uid, NOTE_COST_BYTES);
    if (news !== undefined) noteLoginFailure(news, { deviceFlag, reason, count: 1, firstMs: nowMs, lastMs: nowMs });
  }

  refused(
    { fromUid, addressedTo, flags, clientMsgNo }: RefusedSend,
    id: MessageId,
    reason: number,
    rule: RefusalRule,
  ): void {
    const nowMs = this.#deps.clock.wallMs();
    const isCommand = (flags & MessageFlag.syncOnce) !== 0 || addressedTo.id.endsWith(COMMAND_SUFFIX);
    const log: LogName = isCommand ? "command" : "chat";
    // Ids that are too long to be kept are refused as such.
    if (!fits(fromUid, UID_BYTES_MAX) || !fits(addressedTo.id, CHANNEL_ID_BYTES_MAX)) return;
    const waiting = this.#news.get(fromUid);
    let note = waiting === undefined ? undefined : refusalLike(waiting, addressedTo, log, rule);
    if (note === undefined) {
      const news = this.#newsOf(fromUid, NOTE_COST_BYTES + addressedTo.id.length * 2);
      if (news === undefined) return;
      note = { channel: addressedTo, log, reason, rule, count: 0, firstMs: nowMs, lastMs: nowMs, cases: [] };
      noteRefusal(news, note);
      note = refusalLike(news, addressedTo, log, rule);
    }
    if (note !== undefined)
      noteRepeated(note, id, fits(clientMsgNo, CLIENT_MSG_NO_BYTES_MAX) ? clientMsgNo : "", nowMs);
  }

  exceptions(sessionId: number, list: readonly AckException[], untold: number): void {
    const session = this.#open.get(sessionId);
    if (session === undefined) return;
    const news = this.#newsOf(session.uid, list.length * NOTE_COST_BYTES);
    if (news === undefined) session.note.untold += list.length + untold;
    else for (const exception of list) notePush(news, { ...exception, boot: this.boot, sessionId });
    if (news === undefined || untold === 0) return;
    session.note.untold += untold;
    noteSession(news, session.note);
  }

  /** Nobody was told of this message when it came. */
  notPushed({ channel, log, seq }: StoredMessage): void {
    if (seq === 0) return;
    const news = this.#newsOf(SERVER, NOTE_COST_BYTES);
    if (news === undefined) {
      this.#server.untold++;
      return;
    }
    const atMs = this.#deps.clock.wallMs();
    const where = { channel, log, firstSeq: seq, lastSeq: seq, boot: this.boot, sessionId: this.#server.id };
    notePush(news, { kind: "not_pushed", ...where, resends: 0, atMs });
  }

  // ---- what is asked

  /** An open session's. */
  noteOf(sessionId: number): SessionNote | undefined {
    return this.#open.get(sessionId)?.note;
  }

  /** All that is known of the user, the newest included. Throws `StoreUnavailable`. */
  of(uid: string): UserTrail {
    const trail = this.#disk.read(uid) ?? emptyTrail();
    for (const news of [this.#strangers.peek(uid), this.#writing.get(uid), this.#news.get(uid)])
      if (news !== undefined) addNews(trail, news);
    return trail;
  }

  /** The runs of the server as sessions, the present one last, and what it could not push to anybody. */
  ofServer(): UserTrail {
    const trail = this.of(SERVER);
    noteSession(trail, this.#server);
    return trail;
  }

  // ---- the disk

  /** Writes what waits. Nothing is noted after it. */
  async stop(): Promise<void> {
    this.#server.left = this.#deps.ids.next();
    this.#server.reason = "server_stopping";
    this.#noteSession(SERVER, this.#server);
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#flushing;
    while (this.#news.size > 0) if (!(await this.#flush())) return;
  }

  #noteSession(uid: string, note: SessionNote): void {
    const news = this.#newsOf(uid, NOTE_COST_BYTES);
    if (news !== undefined) noteSession(news, note);
  }

  /** Where to note something of about `bytes`; undefined: there is no room. */
  #newsOf(uid: string, bytes: number): UserTrail | undefined {
    const { waitingMax, waitingBytesMax } = this.#deps.limits;
    let news = this.#news.get(uid);
    const cost = bytes + (news === undefined ? USER_COST_BYTES + uid.length * 2 : 0);
    const isFull = (news === undefined && this.#news.size >= waitingMax) || this.#newsBytes + cost > waitingBytesMax;
    if (this.#isStopped || isFull) {
      this.#dropped++;
      return undefined;
    }
    this.#newsBytes += cost;
    if (news === undefined) {
      news = emptyTrail();
      this.#news.set(uid, news);
      this.#arm(FLUSH_MS);
    }
    return news;
  }

  #arm(delayMs: number): void {
    if (this.#timer !== undefined || this.#flushing !== undefined || this.#isStopped) return;
    this.#timer = this.#deps.timers.after(delayMs, () => {
      this.#timer = undefined;
      void this.#flush();
    });
  }

  /** One write; false: it failed, and what it held waits again. Never rejects. */
  #flush(): Promise<boolean> {
    this.#flushing ??= this.#write().then((isWritten) => {
      this.#flushing = undefined;
      if (this.#news.size > 0) this.#arm(isWritten ? NEXT_FLUSH_MS : FLUSH_MS);
      return isWritten;
    });
    return this.#flushing;
  }

  async #write(): Promise<boolean> {
    try {
      this.#take();
      const written = (): void => {
        this.#writing = new Map();
      };
      if (this.#writing.size > 0) await this.#disk.write(this.#writing, written);
      return true;
    } catch (error) {
      this.#takeBack();
      if (!(error instanceof StoreUnavailable)) this.#deps.failed(error);
      return false;
    }
  }

  /** Of those who wait, as many as one write may hold. */
  #take(): void {
    const waiting = this.#news.size;
    for (const [uid, news] of this.#news) {
      if (this.#writing.size >= USERS_PER_WRITE) break;
      const isStranger = isOnlyLogins(news) && this.#disk.read(uid) === undefined;
      this.#news.delete(uid);
      const known = this.#strangers.delete(uid) ?? emptyTrail();
      addNews(known, news);
      if (isStranger) this.#keepStranger(uid, known);
      else this.#writing.set(uid, known);
    }
    this.#newsBytes = waiting === 0 ? 0 : (this.#newsBytes * this.#news.size) / waiting;
  }

  /** The write has failed: how far, nobody knows. What is counted may be counted twice then. */
  #takeBack(): void {
    for (const [uid, old] of this.#writing) {
      const news = this.#news.get(uid);
      if (news !== undefined) addNews(old, news);
      if (news !== undefined || this.#news.size < this.#deps.limits.waitingMax) this.#news.set(uid, old);
      else this.#forget(old);
    }
    this.#newsBytes += this.#writing.size * (USER_COST_BYTES + NOTE_COST_BYTES);
    this.#writing = new Map();
  }

  /** Of the sessions concerned nothing may be concluded from what is not noted. */
  #forget({ pushes }: UserTrail): void {
    this.#dropped++;
    for (const { sessionId } of pushes) {
      const open = this.#open.get(sessionId);
      if (open !== undefined) open.note.untold++;
    }
  }

  #keepStranger(uid: string, known: UserTrail): void {
    this.#strangers.set(uid, known);
    const oldest = this.#strangers.size > STRANGERS_MAX ? this.#strangers.oldest() : undefined;
    if (oldest !== undefined) this.#strangers.delete(oldest.key);
  }
}

function isOnlyLogins({ sessions, refusals, pushes }: UserTrail): boolean {
  return sessions.length + refusals.length + pushes.length === 0;
}
