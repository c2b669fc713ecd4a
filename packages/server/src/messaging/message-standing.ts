/**
 * How one user stands to one message, from durable rows alone: whether it was his, whether his chat list shows it, whether
 * he has read it. Nothing here is asked while messages are sent.
 */
import { SYSTEM_UID } from "@wukong-ts/protocol";
import { placeOfId } from "../store/message-ids.ts";
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { channelTable, denyTable, memberTable, messageTable, receiptTable } from "../store/tables.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { type ChannelKind, isSystemChat, keepsRows, kindOf } from "./channel-kinds.ts";
import { type Conversation, type Span, unreadFrom, unreadOf } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { History } from "./history.ts";
import { idTimeMs } from "./ids.ts";
import type { ChannelKey, LogName, MessageId, StoredMessage } from "./message.ts";
import type { Removals } from "./removals.ts";

/** What is asked of a message; `seq` 0: it was not to be kept. */
export type AskedMessage = Pick<StoredMessage, "id" | "seq" | "channel" | "log" | "fromUid" | "receivers">;

/**
 * Whether the message was the user's when it came. "named": the send named its receivers, he among them. "unknown": he
 * has left, and when is not known.
 */
export type Membership = "implied" | "named" | "member" | "joined_later" | "left_before" | "none" | "unknown";

/** Why the chat list shows the message, or does not. "no_chat": commands and messages that are not kept are in no list. */
export type Listing = "shown" | "no_chat" | "type_not_listed" | "system_chat" | "no_row" | "left" | "deleted";

export interface Standing {
  readonly kind: Pick<ChannelKind, "name" | "maySend" | "keepsCommands" | "inChatList">;
  readonly membership: Membership;
  /** The seq after which he joined, the last time before or after the message; undefined where none is kept. */
  readonly joinedAfterSeq: number | undefined;
  /** The last seq before he left; undefined while he is a member. */
  readonly leftAfterSeq: number | undefined;
  /** Listed members of now. */
  readonly memberSinceMs: number | undefined;
  /** He is on the channel's deny list now. */
  readonly isDenied: boolean;
  readonly isBanned: boolean;
  readonly isDisbanded: boolean;
  readonly listing: Listing;
  /** His chat is empty up to here. */
  readonly deletedToSeq: number;
  /** He has read up to here by his own act; 0: never. */
  readonly readToSeq: number;
  /** Read, sent, joined or deleted up to here: what the unread number counts from. */
  readonly countedFromSeq: number;
  readonly unread: number;
  /** Commands of the channel that he has acknowledged, all devices together. */
  readonly commandSeq: number;
}

export interface StandingDeps {
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly history: Pick<History, "byClientMsgNos">;
  readonly removals: Pick<Removals, "goneAfter">;
  readonly options: { readonly showSystem: boolean; readonly countAll: boolean };
}

export class MessageStandings {
  readonly #deps: StandingDeps;

  constructor(deps: StandingDeps) {
    this.#deps = deps;
  }

  /** Expired ones too. */
  async byId(id: MessageId): Promise<StoredMessage | undefined> {
    const place = await placeOfId(this.#deps.store, id);
    return place === undefined ? undefined : this.#at(place.channel, place.log, place.seq);
  }

  /**
   * The message with this number in the channel; from any sender when `senders` is empty, and then only if it is not
   * expired. In both logs, the chat's first, unless one is meant.
   */
  async byNumber(
    channel: ChannelKey,
    log: LogName | undefined,
    clientMsgNo: string,
    senders: readonly string[],
  ): Promise<StoredMessage | undefined> {
    const shard = shardOfChannel(channel);
    const logs: readonly LogName[] = log === undefined ? ["chat", "command"] : [log];
    for (const each of logs) {
      for (const fromUid of senders) {
        const receipt = this.#deps.store.get(receiptTable, shard, { channel, log: each, fromUid, clientMsgNo });
        const message = receipt === undefined ? undefined : this.#at(channel, each, receipt.seq);
        if (message !== undefined) return message;
      }
      const found =
        senders.length > 0
          ? undefined
          : (await this.#deps.history.byClientMsgNos(channel, each, [clientMsgNo])).get(clientMsgNo);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async of(uid: string, message: AskedMessage): Promise<Standing> {
    const { store, channels, conversations, removals, options } = this.#deps;
    const { channel, log } = message;
    const shard = shardOfChannel(channel);
    const kind = kindOf(channel.type);
    const row = conversations.durable(uid, channel);
    const entry = kind.members === "implied" ? undefined : store.get(memberTable, shard, { channel, uid });
    const flags = store.get(channelTable, shard, channel);
    const head = channels.durableHead(channel, "chat");
    const ownLast = conversations.ownLastIn(uid, channel, head);
    const gone = row === undefined ? undefined : await removals.goneAfter(channel, unreadFrom(row, ownLast).seq, head);
    return {
      kind,
      ...membershipOf(uid, message, kind, row, entry?.createdMs),
      memberSinceMs: entry?.createdMs,
      isDenied: store.get(denyTable, shard, { channel, uid }) !== undefined,
      isBanned: flags?.ban ?? false,
      isDisbanded: flags?.disband ?? false,
      listing: log === "command" || message.seq === 0 ? "no_chat" : listingOf(message, kind, row, options.showSystem),
      deletedToSeq: row?.deletedTo.seq ?? 0,
      readToSeq: row?.read.seq ?? 0,
      countedFromSeq: row === undefined ? 0 : unreadFrom(row, ownLast).seq,
      unread: row === undefined ? 0 : unreadOf(row, ownLast, head, options.countAll, gone).unread,
      commandSeq: row?.commandSeq ?? 0,
    };
  }

  #at(channel: ChannelKey, log: LogName, seq: number): StoredMessage | undefined {
    return this.#deps.store.get(messageTable, shardOfChannel(channel), { channel, log, seq });
  }
}

type MembershipFacts = Pick<Standing, "membership" | "joinedAfterSeq" | "leftAfterSeq">;

function membershipOf(
  uid: string,
  message: AskedMessage,
  kind: ChannelKind,
  row: Conversation | undefined,
  memberSinceMs: number | undefined,
): MembershipFacts {
  const only = (membership: Membership): MembershipFacts => ({
    membership,
    joinedAfterSeq: undefined,
    leftAfterSeq: undefined,
  });
  if (uid === SYSTEM_UID) return only("none");
  if (message.receivers !== undefined && message.receivers.length > 0)
    return only(message.receivers.includes(uid) ? "named" : "none");
  if (kind.implied(message.channel.id).includes(uid)) return only("implied");
  const since =
    memberSinceMs === undefined ? undefined : memberSinceMs <= idTimeMs(message.id) ? "member" : "joined_later";
  // Without a seq only the times are left.
  if (message.seq === 0 || !keepsRows(kind)) return only(since ?? (row === undefined ? "none" : "unknown"));
  if (row === undefined) return only(since ?? "none");
  return bySpans(row, message);
}

/** Joining stands behind what was there; leaving behind what came meanwhile. */
function bySpans(row: Conversation, { log, seq }: AskedMessage): MembershipFacts {
  const isMember = row.membership === "member";
  const ended: Span[] = (row.stays ?? []).map((stay) => stay[log]);
  // A row that was left before stays were kept.
  if (!isMember && row.stays === undefined) {
    const isHis = log === "command" && row.commandEnd !== null && seq <= row.commandEnd;
    return { membership: isHis ? "member" : "unknown", joinedAfterSeq: undefined, leftAfterSeq: undefined };
  }
  const now = { from: log === "chat" ? row.join.seq : (row.commandJoin ?? 0), to: Number.POSITIVE_INFINITY };
  const spans = isMember ? [...ended, now] : ended;
  const holding = spans.find((span) => seq > span.from && seq <= span.to);
  const next = spans.find((span) => seq <= span.from);
  const span = holding ?? next ?? spans.at(-1);
  return {
    membership: holding !== undefined ? "member" : next !== undefined ? "joined_later" : "left_before",
    joinedAfterSeq: span?.from,
    leftAfterSeq: span === undefined || span === now ? undefined : span.to,
  };
}

function listingOf(
  { channel, seq }: AskedMessage,
  kind: ChannelKind,
  row: Conversation | undefined,
  showSystem: boolean,
): Listing {
  if (!kind.inChatList) return "type_not_listed";
  if (!showSystem && isSystemChat(channel)) return "system_chat";
  if (row === undefined) return "no_row";
  if (row.membership === "left") return "left";
  return seq <= row.deletedTo.seq ? "deleted" : "shown";
}
