/**
 * The chat list: rows → heads → which of them are shown → newest first → page → recents of the page only. All from the
 * durable side. More rows than one slice are computed in slices, so that nobody else waits for a long list.
 */
import type { Timers, World } from "../world/world.ts";
import type { CacheStats } from "./cache-stats.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { isSystemChat, kindOf } from "./channel-kinds.ts";
import type { ChatList, ChatListRequest, ChatView } from "./chat-list.ts";
import { type Conversation, unreadFrom, unreadOf } from "./conversation.ts";
import type { ConversationEntry, Conversations } from "./conversations.ts";
import { compareIds, idNanoseconds, isAfterVersion, type Version, versionOfNanoseconds } from "./ids.ts";
import {
  type ChannelKey,
  channelText,
  type Head,
  type Mark,
  type MessageId,
  ORIGIN,
  type StoredMessage,
} from "./message.ts";
import { PageOrders } from "./page-orders.ts";
import type { ReadMarks } from "./read-marks.ts";
import type { RecentMessages } from "./recent-messages.ts";
import type { GoneCount, Removals } from "./removals.ts";

export interface ChatListOptions {
  readonly showSystem: boolean;
  readonly countAll: boolean;
  /** Page orders kept for the pages after the first. */
  readonly ordersMax: number;
  readonly orderBytesMax: number;
}

export interface ChatListDeps {
  readonly world: World;
  readonly conversations: Conversations;
  readonly channels: ChannelCache;
  readonly recents: RecentMessages;
  readonly marks: ReadMarks;
  readonly removals: Removals;
  readonly options: ChatListOptions;
}

interface Chat {
  /** `channelText` of the row's channel. */
  readonly text: string;
  readonly shown: ChannelKey;
  readonly row: Conversation;
  readonly head: Head;
  readonly unread: number;
  readonly readedToSeq: number;
  /** The client's last seq; undefined when it did not name the chat. */
  readonly clientSeq: number | undefined;
}

/** A chat that may be in the answer; how much of it is unread is still to be found out. */
interface Found extends Pick<Chat, "text" | "shown" | "row" | "head" | "clientSeq"> {
  readonly ownLast: Mark;
}

/** With the version as it is compared. */
interface Asked extends ChatListRequest {
  readonly isFirst: boolean;
  readonly newerThan: Version;
}

type Recents = readonly StoredMessage[];
/** At once where memory has it. */
type MaybeLater<Value> = Value | Promise<Value>;

const ROWS_PER_SLICE = 1000;
const ROWS_WITHOUT_PAGING = 10_000;
const RECENTS_AT_ONCE = 16;
const RECENTS_BYTES_MAX = 64 * 1024 * 1024;

export class ChatListReader implements ChatList {
  readonly #deps: ChatListDeps;
  readonly #orders: PageOrders;

  constructor(deps: ChatListDeps) {
    this.#deps = deps;
    this.#orders = new PageOrders(deps.world.clock, {
      countMax: deps.options.ordersMax,
      bytesMax: deps.options.orderBytesMax,
    });
  }

  orderStats(): CacheStats {
    return this.#orders.stats();
  }

  async sync(request: ChatListRequest): Promise<readonly ChatView[]> {
    if (request.messageCount <= 0) return [];
    const chats = await this.#chatsOf(request);
    const views = await this.#views(chats, request.messageCount, (chat, messageCount) =>
      this.#view(chat, request, messageCount),
    );
    // All that it had is expired.
    return views.filter((view) => view.recents.length > 0);
  }

  async forChannels(uid: string, shown: readonly ChannelKey[], messageCount: number): Promise<readonly ChatView[]> {
    return this.#views(shown, messageCount, (key, count) => this.#viewOf(uid, key, count));
  }

  async channelsOf(uid: string): Promise<readonly ChannelKey[]> {
    const rows = await this.#deps.conversations.all(uid);
    try {
      const keys: ChannelKey[] = [];
      for (const entry of rows.entries)
        if (entry.durable?.membership === "member" && kindOf(entry.channel.type).inChatList) keys.push(entry.channel);
      return keys;
    } finally {
      rows.release();
    }
  }

  clearUnread(uid: string, channel: ChannelKey): Promise<void> {
    return this.#deps.marks.clearUnread(uid, channel);
  }
  setUnread(uid: string, channel: ChannelKey, unread: number): Promise<void> {
    return this.#deps.marks.setUnread(uid, channel, unread);
  }
  delete(uid: string, channel: ChannelKey): Promise<void> {
    return this.#deps.marks.delete(uid, channel);
  }

  /** Once the answer is large enough, the chats behind get their newest message only; older ones come by history. */
  #views<Item>(
    items: readonly Item[],
    messageCount: number,
    viewOf: (item: Item, messageCount: number) => MaybeLater<ChatView>,
  ): Promise<readonly ChatView[]> {
    let bytes = 0;
    const counted = (view: ChatView): ChatView => {
      for (const message of view.recents) bytes += message.payload.length;
      return view;
    };
    return inBatches(items, RECENTS_AT_ONCE, (item) => {
      const view = viewOf(item, bytes < RECENTS_BYTES_MAX ? messageCount : 1);
      return view instanceof Promise ? view.then(counted) : counted(view);
    });
  }

  /** The page's chats, in order. */
  async #chatsOf(request: ChatListRequest): Promise<readonly Chat[]> {
    const { page, pageSize } = request;
    const from = Math.max(0, page - 1) * pageSize;
    const { version } = request;
    const asked = { ...request, isFirst: version <= 0n, newerThan: versionOfNanoseconds(version) };
    const kept = page > 1 ? this.#orders.find(request) : undefined;
    const rows = await this.#deps.conversations.all(request.uid);
    try {
      if (kept !== undefined) {
        const wanted = new Set(kept.slice(from, from + pageSize));
        const byText = new Map<string, Chat>();
        for (const entry of rows.entries) {
          const chat = wanted.has(entry.text) ? await this.#chat(entry, asked) : undefined;
          if (chat !== undefined) byText.set(entry.text, chat);
        }
        return [...wanted].flatMap((text) => byText.get(text) ?? []);
      }
      const chats = await this.#qualifying(rows.entries, asked);
      chats.sort((a, b) => compareIds(b.head.lastId, a.head.lastId));
      if (page === 0) return chats.slice(0, ROWS_WITHOUT_PAGING);
      this.#orders.keep(
        request,
        chats.map((chat) => chat.text),
      );
      return chats.slice(from, from + pageSize);
    } finally {
      rows.release();
    }
  }

  async #qualifying(entries: Iterable<ConversationEntry>, request: Asked): Promise<Chat[]> {
    const chats: Chat[] = [];
    let inSlice = 0;
    for (const entry of entries) {
      if (++inSlice > ROWS_PER_SLICE) {
        await nextTurn(this.#deps.world.timers);
        inSlice = 1;
      }
      const found = this.#chat(entry, request);
      const chat = found instanceof Promise ? await found : found;
      if (chat !== undefined) chats.push(chat);
    }
    return chats;
  }

  /** undefined: not in this answer. Waits only where unread messages may be gone. */
  #chat(entry: ConversationEntry, request: Asked): MaybeLater<Chat | undefined> {
    const row = entry.durable;
    if (row === undefined || row.membership === "left") return undefined;
    entry.shown ??= this.#shown(entry.channel, request.uid);
    const { shown } = entry;
    if (!shown.isListed) return undefined;
    const clientSeq = request.lastSeqs.get(shown.text);
    if (clientSeq === undefined && request.excludedTypes.has(entry.channel.type)) return undefined;
    const head = this.#deps.channels.durableHead(entry.channel, "chat", entry.text);
    if (head.seq === 0 || head.seq <= row.deletedTo.seq) return undefined;
    const ownLast = this.#deps.conversations.ownLast(request.uid, entry, head);
    const found: Found = { text: entry.text, shown: shown.key, row, head, ownLast, clientSeq };
    const gone = this.#deps.removals.goneAfter(entry.channel, unreadFrom(row, ownLast).seq, head);
    return gone instanceof Promise
      ? gone.then((count) => this.#asked(found, count, request))
      : this.#asked(found, gone, request);
  }

  #asked({ text, shown, row, head, ownLast, clientSeq }: Found, gone: GoneCount, request: Asked): Chat | undefined {
    const { unread, readedToSeq } = unreadOf(row, ownLast, head, this.#deps.options.countAll, gone);
    if (request.onlyUnread && unread === 0) return undefined;
    const isNewer = isAfterVersion(newestChange(row, head), request.newerThan);
    const isWanted =
      clientSeq === undefined
        ? request.isFirst || unread > 0 || isNewer
        : head.seq > clientSeq || (!request.isFirst && isNewer);
    return isWanted ? { text, shown, row, head, unread, readedToSeq, clientSeq } : undefined;
  }

  #view(chat: Chat, request: ChatListRequest, messageCount: number): MaybeLater<ChatView> {
    const isIncremental = request.version > 0n || request.onlyUnread;
    const after = chat.clientSeq ?? (isIncremental ? chat.readedToSeq : 0);
    const { channel, deletedTo } = chat.row;
    const from = Math.max(after, deletedTo.seq) + 1;
    const recents = this.#deps.recents.newest(channel, chat.head, from, messageCount, chat.text);
    // What the client has is not sent again, but for the newest message, without which the chat could not be shown.
    const shown = (some: Recents): MaybeLater<Recents> =>
      some.length > 0 ? some : this.#deps.recents.newest(channel, chat.head, deletedTo.seq + 1, 1, chat.text);
    const found = recents instanceof Promise ? recents.then(shown) : shown(recents);
    return found instanceof Promise ? found.then((some) => viewWith(chat, some)) : viewWith(chat, found);
  }

  async #viewOf(uid: string, key: ChannelKey, messageCount: number): Promise<ChatView> {
    const { conversations, channels } = this.#deps;
    const id = kindOf(key.type).internalId(key.id, uid);
    const channel = { type: key.type, id: id ?? key.id };
    const head = channels.durableHead(channel, "chat");
    const row = conversations.durable(uid, channel);
    const base = { shown: this.#shown(channel, uid).key, channel, timeSeconds: head.timeSeconds, lastSeq: head.seq };
    if (head.seq === 0 || (row !== undefined && head.seq <= row.deletedTo.seq)) {
      const version = row === undefined ? 0n : idNanoseconds(row.changed);
      return {
        ...base,
        timeSeconds: 0,
        lastSeq: 0,
        unread: 0,
        lastClientMsgNo: "",
        readedToSeq: 0,
        version,
        recents: [],
      };
    }
    const ownRow = row ?? nobodysRow(channel);
    const ownLast = conversations.ownLastIn(uid, channel, head);
    const gone = await this.#deps.removals.goneAfter(channel, unreadFrom(ownRow, ownLast).seq, head);
    const view = unreadOf(ownRow, ownLast, head, this.#deps.options.countAll, gone);
    const recents = await this.#deps.recents.newest(channel, head, (row?.deletedTo.seq ?? 0) + 1, messageCount);
    const lastClientMsgNo = recents[0]?.clientMsgNo ?? "";
    return {
      ...base,
      ...view,
      lastClientMsgNo,
      version: idNanoseconds(row === undefined ? head.lastId : newestChange(row, head)),
      recents,
    };
  }

  #isListed(channel: ChannelKey): boolean {
    return kindOf(channel.type).inChatList && (this.#deps.options.showSystem || !isSystemChat(channel));
  }

  #shown(channel: ChannelKey, uid: string): NonNullable<ConversationEntry["shown"]> {
    const key = { type: channel.type, id: kindOf(channel.type).shownId(channel.id, uid) };
    return { key, text: channelText(key), isListed: this.#isListed(channel) };
  }
}

function viewWith(chat: Chat, recents: Recents): ChatView {
  return {
    shown: chat.shown,
    channel: chat.row.channel,
    unread: chat.unread,
    timeSeconds: chat.head.timeSeconds,
    lastSeq: chat.head.seq,
    lastClientMsgNo: recents[0]?.clientMsgNo ?? "",
    readedToSeq: chat.readedToSeq,
    version: idNanoseconds(newestChange(chat.row, chat.head)),
    recents,
  };
}

/** Of the row or of the log: what the chat's `version` is made of. */
function newestChange(row: Conversation, head: Head): MessageId {
  return compareIds(row.changed, head.lastId) > 0 ? row.changed : head.lastId;
}

/** For a reader who does not belong to the channel. */
function nobodysRow(channel: ChannelKey): Conversation {
  const none: Mark = ORIGIN;
  return {
    channel,
    membership: "left",
    join: none,
    read: none,
    deletedTo: none,
    markedUnread: 0,
    commandSeq: 0,
    commandEnd: null,
    changed: { high: 0, low: 0 },
  };
}

function nextTurn(timers: Timers): Promise<void> {
  return new Promise((resolve) => timers.soon(resolve));
}

/** In order, at most `size` at the same time. */
async function inBatches<Item, Result>(
  items: readonly Item[],
  size: number,
  work: (item: Item) => MaybeLater<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += size) {
    const some = items.slice(at, at + size).map(work);
    const isThere = (result: MaybeLater<Result>): result is Result => !(result instanceof Promise);
    results.push(...(some.every(isThere) ? some : await Promise.all(some)));
  }
  return results;
}
