/** All that is known about one user and one message, before a verdict is made of it. */
import type { ChannelKey, LogName, MessageId } from "../messaging/message.ts";
import type { Standing } from "../messaging/message-standing.ts";
import type { SessionState, SessionView } from "./explain-sessions.ts";
import type { LoginFailure, RefusalNote } from "./user-trail.ts";
import type { WebhookState } from "./webhook-trail.ts";

export interface ExplainedMessage {
  readonly id: MessageId;
  /** 0: it was not to be kept. */
  readonly seq: number;
  /** When it came, wall clock. */
  readonly atMs: number;
  readonly channel: ChannelKey;
  readonly log: LogName;
  readonly fromUid: string;
  readonly clientMsgNo: string;
  /** 0: never. */
  readonly expiresAtMs: number;
}

export interface KnownRefusal {
  readonly note: RefusalNote;
  readonly fromUid: string;
  /** When the message in question was refused; 0: it may be one of those that are only counted. */
  readonly atMs: number;
}

export interface Evidence {
  readonly uid: string;
  readonly nowMs: number;
  /** undefined: nothing is known of it but perhaps that it was refused. */
  readonly message: ExplainedMessage | undefined;
  readonly refusal: KnownRefusal | undefined;
  /** With a message only. */
  readonly standing: Standing | undefined;
  readonly sessions: readonly SessionView[];
  readonly loginFailures: readonly LoginFailure[];
  /** Device flags for which a token is set. */
  readonly tokenFlags: readonly number[];
  readonly webhook: WebhookState;
  readonly isCommandSyncOff: boolean;
  readonly resendsMax: number;
  readonly pendingAcksMax: number;
  /** When this run of the server began. */
  readonly bootMs: number;
  /** Notes that found no room since then. */
  readonly notesDropped: number;
  /** A point in time as text. */
  readonly time: (wallMs: number) => string;
}

export function sessionIn(evidence: Evidence, ...states: readonly SessionState[]): SessionView | undefined {
  return evidence.sessions.find(({ state }) => states.includes(state));
}

/** The session that had ended last when the message came. */
export function lastEnded({ sessions }: Evidence): SessionView | undefined {
  let last: SessionView | undefined;
  for (const session of sessions)
    if (session.state === "ended_before" && (last === undefined || session.endedMs > last.endedMs)) last = session;
  return last;
}

/** The last failed login, if no login has succeeded since. */
export function openLoginFailure({ loginFailures, sessions }: Evidence): LoginFailure | undefined {
  let last: LoginFailure | undefined;
  for (const failure of loginFailures) if (last === undefined || failure.lastMs > last.lastMs) last = failure;
  const isOver = sessions.some(({ openedMs }) => openedMs >= (last?.lastMs ?? 0));
  return isOver ? undefined : last;
}

export function isExpired({ message, nowMs }: Evidence): boolean {
  return message !== undefined && message.expiresAtMs !== 0 && message.expiresAtMs <= nowMs;
}

export function isCommand({ message }: Evidence): boolean {
  return message?.log === "command" && message.seq > 0;
}
