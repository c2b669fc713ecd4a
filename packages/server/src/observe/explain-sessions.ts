/** What became of a message at each of the user's sessions, from their notes and from what still waits. */
import { type AckException, type AckExceptionKind, holds } from "../delivery/ack-exceptions.ts";
import type { AckState } from "../delivery/pending-acks.ts";
import { compareIds, idTimeMs } from "../messaging/ids.ts";
import type { ChannelKey, LogName, MessageId } from "../messaging/message.ts";
import type { PushNote, SessionNote, UserTrail } from "./user-trail.ts";

/**
 * "connected_after", "ended_before": not there when the message came. "not_his": it was, but the message was not
 * for this user. "own": it has sent the message. "own_or_acknowledged":
 * the user's, and which of them has sent it is not kept. "pushed": not to be acknowledged. "ended_meanwhile": gone within a
 * second of the message, so nobody knows whether it was still pushed. "server_stopped": pushed, and the
 * acknowledgement would be known only to a server that crashed. "not_noted": there was no room to note what became of it.
 */
export type SessionState =
  | "connected_after"
  | "ended_before"
  | "not_his"
  | "own"
  | "own_or_acknowledged"
  | "acknowledged"
  | "acknowledged_late"
  | "pushed"
  | "being_pushed"
  | "waiting"
  | "given_up"
  | "forgotten"
  | "expired_waiting"
  | "unacknowledged"
  | "not_pushed"
  | "ended_meanwhile"
  | "server_stopped"
  | "not_noted";

export interface SessionView {
  readonly note: SessionNote;
  readonly openedMs: number;
  /** 0: open. Of a server that crashed: when the next one started. */
  readonly endedMs: number;
  /** Of the close; "server_crashed" where nothing was noted. */
  readonly endReason: string;
  readonly state: SessionState;
  readonly resends: number;
  /** Of what is noted of the push; 0: nothing is. */
  readonly notedMs: number;
  /** While it waits: until it is sent again. */
  readonly dueInMs: number;
}

export interface AskedPush {
  readonly channel: ChannelKey;
  readonly log: LogName;
  /** 0: not kept, so not acknowledged. */
  readonly seq: number;
  /** Of the message. */
  readonly id: MessageId;
  /** The user was among its receivers. */
  readonly isHis: boolean;
  /** He has sent it. */
  readonly isOwn: boolean;
  /** The session that has sent it; 0: not known. */
  readonly ownSession: number;
}

export interface SessionSources {
  /** The user's. */
  readonly trail: UserTrail;
  /** The server's own: its runs, and what it pushed to nobody. */
  readonly server: UserTrail;
  readonly boot: number;
  stateOf(sessionId: number, push: AskedPush): AckState | AckException | undefined;
  isBusy(channel: ChannelKey, log: LogName): boolean;
}

/** So near to its end a session may have missed a message that had its id already. */
const MEANWHILE_MS = 1_000;

const BY_EXCEPTION: Readonly<Record<AckExceptionKind, SessionState>> = {
  late: "acknowledged_late",
  unacknowledged: "unacknowledged",
  given_up: "given_up",
  forgotten: "forgotten",
  gone: "expired_waiting",
};
/** Of several notes of one message the first of these counts. */
const EXCEPTIONS: readonly AckExceptionKind[] = ["late", "given_up", "forgotten", "gone", "unacknowledged"];

/** In the order they were opened. */
export function sessionViews(push: AskedPush, sources: SessionSources): readonly SessionView[] {
  return sources.trail.sessions
    .map((note) => viewOf(note, push, sources))
    .sort((a, b) => compareIds(a.note.opened, b.note.opened));
}

function viewOf(note: SessionNote, push: AskedPush, sources: SessionSources): SessionView {
  const end = endOf(note, sources);
  const endedMs = end.id === undefined ? 0 : idTimeMs(end.id);
  const times = { openedMs: idTimeMs(note.opened), endedMs, endReason: end.reason };
  const nothing = { note, ...times, resends: 0, notedMs: 0, dueInMs: 0 };
  if (compareIds(note.opened, push.id) > 0) return { ...nothing, state: "connected_after" };
  if (end.id !== undefined && compareIds(end.id, push.id) < 0) return { ...nothing, state: "ended_before" };
  if (push.ownSession !== 0 && push.ownSession === note.id && note.boot === sources.boot)
    return { ...nothing, state: "own" };
  if (!push.isHis) return { ...nothing, state: push.isOwn ? "own" : "not_his" };
  if (push.seq === 0) return { ...nothing, state: isEndNear(end, push) ? "ended_meanwhile" : "pushed" };
  const live = end.id === undefined ? sources.stateOf(note.id, push) : undefined;
  if (live !== undefined && "dueInMs" in live) return { ...nothing, ...live, state: "waiting" };
  const noted = live ?? exceptionOf(note, push, sources.trail.pushes);
  if (noted !== undefined && noted.kind !== "not_pushed")
    return { ...nothing, state: BY_EXCEPTION[noted.kind], resends: noted.resends, notedMs: noted.atMs };
  return { ...nothing, state: withoutNote(note, end, push, sources) };
}

function withoutNote(note: SessionNote, end: SessionEnd, push: AskedPush, sources: SessionSources): SessionState {
  const { channel, log, seq } = push;
  const isOfThisRun = note.boot === sources.boot;
  if (isOfThisRun && sources.isBusy(channel, log)) return "being_pushed";
  if (sources.server.pushes.some((each) => each.boot === note.boot && isIn(each, channel, log, seq)))
    return "not_pushed";
  if (end.reason === CRASHED) return "server_stopped";
  const run = sources.server.sessions.find((each) => each.boot === note.boot);
  if (note.untold > 0 || (run !== undefined && run.untold > 0)) return "not_noted";
  if (isEndNear(end, push)) return "ended_meanwhile";
  return push.isOwn ? "own_or_acknowledged" : "acknowledged";
}

const CRASHED = "server_crashed";

interface SessionEnd {
  /** undefined: it is open. */
  readonly id: MessageId | undefined;
  readonly reason: string;
}

/** A session that was never seen to end ended with its server; none has outlived it. */
function endOf(note: SessionNote, { server, boot }: SessionSources): SessionEnd {
  const hasLeft = note.left.high !== 0;
  if (note.boot === boot) return hasLeft ? { id: note.left, reason: note.reason } : { id: undefined, reason: "" };
  const run = server.sessions.find((each) => each.boot === note.boot);
  const next = server.sessions.find((each) => each.boot > note.boot)?.opened;
  if (hasLeft && (next === undefined || compareIds(note.left, next) < 0)) return { id: note.left, reason: note.reason };
  if (run !== undefined && run.left.high !== 0) return { id: run.left, reason: run.reason };
  return { id: next ?? note.opened, reason: hasLeft ? note.reason : CRASHED };
}

function exceptionOf(note: SessionNote, push: AskedPush, pushes: readonly PushNote[]): PushNote | undefined {
  const { channel, log, seq } = push;
  const noted = pushes.filter(
    (each) => each.boot === note.boot && each.sessionId === note.id && isIn(each, channel, log, seq),
  );
  for (const kind of EXCEPTIONS) {
    const found = noted.find((each) => each.kind === kind);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isIn(note: PushNote, channel: ChannelKey, log: LogName, seq: number): boolean {
  return holds(note, channel, log, seq);
}

function isEndNear(end: SessionEnd, push: AskedPush): boolean {
  return end.id !== undefined && idTimeMs(end.id) - idTimeMs(push.id) < MEANWHILE_MS;
}
