/**
 * What is remembered of one user beyond his rows, for questions that come later: sessions, refused logins and sends, and
 * pushes that did not go as usual. Each list is short, the oldest leaves first, and what repeats is counted in one note,
 * so a flood costs no more than its last few cases.
 */
import type { AckException } from "../delivery/ack-exceptions.ts";
import type { Session } from "../delivery/session.ts";
import { type ChannelKey, type LogName, type MessageId, NO_ID } from "../messaging/message.ts";
import type { RefusalRule } from "../messaging/refusals.ts";
import type { DeviceLevel } from "../messaging/users.ts";

export interface SessionNote {
  /** The run of the server: when it started, in milliseconds of the wall clock. Session ids begin again with each. */
  readonly boot: number;
  readonly id: number;
  readonly deviceFlag: number;
  readonly deviceLevel: DeviceLevel;
  readonly deviceId: string;
  /** Of the protocol. */
  readonly version: number;
  /** An id of that moment: it stands before the ids of all messages that came later, whatever the clock did. */
  readonly opened: MessageId;
  /** The same of its end. `NO_ID`: it is open, or its server stopped without a word. */
  left: MessageId;
  /** "" while it has not left. */
  reason: string;
  /** Above 0: there are pushes that did not go as usual and are not noted, for want of room. */
  untold: number;
}

export interface LoginFailure {
  readonly deviceFlag: number;
  readonly reason: string;
  count: number;
  readonly firstMs: number;
  lastMs: number;
}

interface RefusedCase {
  id: MessageId;
  clientMsgNo: string;
  atMs: number;
}

export interface RefusalNote {
  /** As the sender named it. */
  readonly channel: ChannelKey;
  readonly log: LogName;
  readonly reason: number;
  readonly rule: RefusalRule;
  count: number;
  readonly firstMs: number;
  lastMs: number;
  /** The last of them, newest at the end. */
  readonly cases: RefusedCase[];
}

/** "not_pushed": the server had no room to push it to anybody; noted once, for the server itself. */
export interface PushNote extends Omit<AckException, "kind" | "lastSeq" | "atMs"> {
  readonly kind: AckException["kind"] | "not_pushed";
  lastSeq: number;
  atMs: number;
  readonly boot: number;
  readonly sessionId: number;
}

export interface UserTrail {
  readonly sessions: SessionNote[];
  readonly loginFailures: LoginFailure[];
  readonly refusals: RefusalNote[];
  readonly pushes: PushNote[];
}

const DEVICE_ID_CHARS_MAX = 64;
const SESSIONS_MAX = 16;
const LOGIN_FAILURES_MAX = 4;
const REFUSALS_MAX = 8;
const CASES_MAX = 8;
const PUSHES_MAX = 64;
/** Of one user, roughly, in memory and on disk. */
const TRAIL_BYTES_MAX = 8 * 1024;

export function emptyTrail(): UserTrail {
  return { sessions: [], loginFailures: [], refusals: [], pushes: [] };
}

/** Of a session that has just begun. */
export function sessionNote(boot: number, session: Session, opened: MessageId): SessionNote {
  const { id, deviceFlag, deviceLevel, version } = session;
  const deviceId = session.deviceId.slice(0, DEVICE_ID_CHARS_MAX);
  return {
    boot,
    id,
    deviceFlag,
    deviceLevel,
    deviceId,
    version,
    opened,
    left: NO_ID,
    reason: "",
    untold: 0,
  };
}

export function isSameSession(a: SessionNote, b: SessionNote): boolean {
  return a.boot === b.boot && a.id === b.id;
}

/** A session's later note takes the place of its earlier one. */
export function noteSession({ sessions }: UserTrail, note: SessionNote): void {
  const known = sessions.findIndex((each) => isSameSession(each, note));
  if (known >= 0) sessions[known] = { ...note, untold: Math.max(note.untold, sessions[known]?.untold ?? 0) };
  else push(sessions, note, SESSIONS_MAX);
}

export function noteLoginFailure({ loginFailures }: UserTrail, failure: LoginFailure): void {
  const known = loginFailures.find(
    ({ deviceFlag, reason }) => deviceFlag === failure.deviceFlag && reason === failure.reason,
  );
  if (known === undefined) push(loginFailures, { ...failure }, LOGIN_FAILURES_MAX);
  else {
    known.count += failure.count;
    known.lastMs = failure.lastMs;
  }
}

export function refusalLike(
  { refusals }: UserTrail,
  channel: ChannelKey,
  log: LogName,
  rule: RefusalRule,
): RefusalNote | undefined {
  return refusals.find(
    (each) =>
      each.rule === rule && each.log === log && each.channel.type === channel.type && each.channel.id === channel.id,
  );
}

/** One more of a kind that is noted already. */
export function noteRepeated(note: RefusalNote, id: MessageId, clientMsgNo: string, atMs: number): void {
  note.count++;
  note.lastMs = atMs;
  // In a flood the oldest case becomes the newest.
  const next = (note.cases.length < CASES_MAX ? undefined : note.cases.shift()) ?? { id, clientMsgNo, atMs };
  next.id = id;
  next.clientMsgNo = clientMsgNo;
  next.atMs = atMs;
  note.cases.push(next);
}

export function noteRefusal(trail: UserTrail, refusal: RefusalNote): void {
  const known = refusalLike(trail, refusal.channel, refusal.log, refusal.rule);
  if (known === undefined)
    push(trail.refusals, { ...refusal, cases: refusal.cases.map((each) => ({ ...each })) }, REFUSALS_MAX);
  else {
    known.count += refusal.count;
    known.lastMs = refusal.lastMs;
    for (const { id, clientMsgNo, atMs } of refusal.cases) push(known.cases, { id, clientMsgNo, atMs }, CASES_MAX);
  }
}

/** A run goes on where the last one of its kind has ended. */
export function notePush(trail: UserTrail, note: PushNote): void {
  const { pushes } = trail;
  const before = pushes.find((each) => each.lastSeq + 1 === note.firstSeq && isLike(each, note));
  if (before === undefined) pushes.push(note);
  else {
    before.lastSeq = note.lastSeq;
    before.atMs = note.atMs;
  }
  if (pushes.length > PUSHES_MAX) forgetPushes(trail, 1);
}

function isLike(a: PushNote, b: PushNote): boolean {
  if (a.kind !== b.kind || a.boot !== b.boot || a.sessionId !== b.sessionId || a.resends !== b.resends) return false;
  return a.log === b.log && a.channel.type === b.channel.type && a.channel.id === b.channel.id;
}

/** Their sessions are no longer known to have acknowledged what nothing is noted of. */
function forgetPushes({ pushes, sessions }: UserTrail, count: number): void {
  for (const { boot, sessionId } of pushes.splice(0, count)) {
    const session = sessions.find((each) => each.boot === boot && each.id === sessionId);
    if (session !== undefined) session.untold++;
  }
}

/** What `news` holds comes behind what is there. `trail` is changed, `news` is not. */
export function addNews(trail: UserTrail, news: UserTrail): void {
  for (const note of news.sessions) noteSession(trail, { ...note });
  for (const failure of news.loginFailures) noteLoginFailure(trail, failure);
  for (const refusal of news.refusals) noteRefusal(trail, refusal);
  for (const note of news.pushes) notePush(trail, { ...note });
  while (bytesOf(trail) > TRAIL_BYTES_MAX) {
    if (trail.pushes.length > 0) forgetPushes(trail, Math.ceil(trail.pushes.length / 2));
    else trail.refusals.shift();
  }
}

/** Roughly, as UTF-8. */
export function bytesOf({ sessions, loginFailures, refusals, pushes }: UserTrail): number {
  let bytes = loginFailures.length * 60;
  for (const { deviceId } of sessions) bytes += 60 + deviceId.length * 3;
  for (const { channel, cases } of refusals) {
    bytes += 60 + channel.id.length * 3;
    for (const { clientMsgNo } of cases) bytes += 20 + clientMsgNo.length * 3;
  }
  for (const { channel } of pushes) bytes += 50 + channel.id.length * 3;
  return bytes;
}

function push<Item>(list: Item[], item: Item, countMax: number): void {
  if (list.push(item) > countMax) list.shift();
}
