/** The list of a user's chats, computed from his rows and the channels' heads. Nothing is cached that a send could make stale. */
import type { ChannelKey, StoredMessage } from "./message.ts";

export interface ChatListRequest {
  readonly uid: string;
  /** Nanoseconds, as answered before; 0 for a full sync. */
  readonly version: bigint;
  /** The client's last seq per chat, keyed by `channelText` of the channel as the client names it. */
  readonly lastSeqs: ReadonlyMap<string, number>;
  readonly messageCount: number;
  readonly onlyUnread: boolean;
  readonly excludedTypes: ReadonlySet<number>;
  /** 1-based; 0: no paging, at most 10,000 rows. */
  readonly page: number;
  readonly pageSize: number;
}

export interface ChatView {
  /** As the user names it: the peer's uid for a person channel. */
  readonly shown: ChannelKey;
  readonly channel: ChannelKey;
  readonly unread: number;
  readonly timeSeconds: number;
  readonly lastSeq: number;
  readonly lastClientMsgNo: string;
  readonly readedToSeq: number;
  /** Nanoseconds. */
  readonly version: bigint;
  /** Newest first. */
  readonly recents: readonly StoredMessage[];
}

export interface ChatList {
  sync(request: ChatListRequest): Promise<readonly ChatView[]>;
  /** One entry per requested channel, in order, also for those without row or message. */
  forChannels(uid: string, shown: readonly ChannelKey[], messageCount: number): Promise<readonly ChatView[]>;
  /** The internal keys of the user's chats, the one with `____system` included. */
  channelsOf(uid: string): Promise<readonly ChannelKey[]>;
  clearUnread(uid: string, channel: ChannelKey): Promise<void>;
  /** `unread` ≥ 0. */
  setUnread(uid: string, channel: ChannelKey, unread: number): Promise<void>;
  delete(uid: string, channel: ChannelKey): Promise<void>;
}
