/** A conversation row: the fact that a user belongs to a channel, with his marks. Key (uid, channel), in the user's shard. */
import type { ChannelKey, Head, Mark, MessageId } from "./message.ts";
import { type GoneCount, NONE_GONE } from "./removals.ts";

export interface Conversation {
  readonly channel: ChannelKey;
  readonly membership: "member" | "left";
  readonly join: Mark;
  readonly read: Mark;
  readonly deletedTo: Mark;
  /** Set by the user; void as soon as he reads or sends. */
  readonly markedUnread: number;
  /** Commands up to here are acknowledged; starts where `join` does: listed members at the tail, implied ones at 0. */
  readonly commandSeq: number;
  /** The command tail when he left: later ones are not his. null while a member. */
  readonly commandEnd: number | null;
  /** Listed members: the command tail when he joined. undefined: implied, or joined before this was kept. */
  readonly commandJoin?: number;
  /** The times he belonged to the channel and has left it, the last one at the end; at most `STAYS_MAX`. */
  readonly stays?: readonly Stay[];
  /** From the id generator: no two changes of a row share a `version`. */
  readonly changed: MessageId;
}

/** One membership that has ended: what lies after `from` and up to `to` was his, in both logs. */
export interface Stay {
  readonly chat: Span;
  readonly command: Span;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The oldest is forgotten first. */
export const STAYS_MAX = 4;

export interface UnreadView {
  readonly unread: number;
  /** The seq up to which the user is shown as having read. */
  readonly readedToSeq: number;
}

/** The furthest of join, read, deletedTo and own last send: what comes after it is unread. */
export function unreadFrom(row: Conversation, ownLast: Mark): Mark {
  let from: Mark = row.read;
  for (const mark of [row.join, row.deletedTo, ownLast]) if (mark.seq > from.seq) from = mark;
  return from;
}

/**
 * The definition of unread: counted messages after `unreadFrom`, less those of them that are `gone` by now, plus what the
 * user marked himself. With `countAll` every message counts, as in v2.2.5.
 */
export function unreadOf(
  row: Conversation,
  ownLast: Mark,
  head: Head,
  countAll: boolean,
  gone: GoneCount = NONE_GONE,
): UnreadView {
  const from = unreadFrom(row, ownLast);
  const marked = ownLast.seq > row.read.seq ? 0 : row.markedUnread;
  const after = countAll ? head.seq - from.seq - gone.all : head.counted - from.counted - gone.counted;
  return { unread: marked + Math.max(0, after), readedToSeq: Math.max(0, from.seq - marked) };
}
