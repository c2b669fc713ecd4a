/**
 * Who is told of a message by `msg.offline`: its receivers without an online master device.
 *
 *   himself the sender, ____system         never
 *   deny-listed in the channel             never
 *   an online session of level master      no
 *   the message is late, and he has read
 *   up to it, or it is not his             no
 *   all others                             yes, with slave sessions too
 */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import type { Session } from "../delivery/session.ts";
import { kindOf } from "../messaging/channel-kinds.ts";
import { type Conversation, unreadFrom } from "../messaging/conversation.ts";
import type { Mark, StoredMessage } from "../messaging/message.ts";

export interface OfflineCandidate {
  readonly uid: string;
  /** On the deny list of the channel. */
  readonly isDenied: boolean;
  readonly sessions: readonly Pick<Session, "deviceLevel">[];
  /** Of a late message, see `isPast`; of another one nobody asks. */
  readonly isPast: boolean;
}

export function isToldOffline(fromUid: string, { uid, isDenied, sessions, isPast }: OfflineCandidate): boolean {
  if (uid === fromUid || uid === SYSTEM_UID || isDenied || isPast) return false;
  return !sessions.some(({ deviceLevel }) => deviceLevel === "master");
}

/**
 * Agents are programs: nobody is told of their channels. Nor of a message that has expired, which is shown to nobody, or
 * that is older than `ageMsMax` (0: no bound), when a push for it would only surprise.
 */
export function isTellable(message: StoredMessage, nowMs: number, ageMsMax: number): boolean {
  if (kindOf(message.channel.type).name === "agent") return false;
  const ageMs = nowMs - message.timeSeconds * 1000;
  if (ageMsMax > 0 && ageMs > ageMsMax) return false;
  return message.expireSeconds === 0 || message.expireSeconds * 1000 > ageMs;
}

/**
 * The user has read up to the message, sent one after it, deleted it, acknowledged it, or joined after it. `row` is
 * undefined in channels that nobody has a row of: there it is not known, nor of messages that are not kept.
 */
export function isPast(message: StoredMessage, row: Conversation | undefined, ownLast: Mark): boolean {
  if (row === undefined || message.seq === 0) return false;
  return message.seq <= (message.log === "command" ? row.commandSeq : unreadFrom(row, ownLast).seq);
}
