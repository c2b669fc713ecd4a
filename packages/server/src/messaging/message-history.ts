/** Reads messages of a log by their dense seqs. Pages are ranges of neighbouring keys; single ones are point reads. */
import { placeOfId } from "../store/message-ids.ts";
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type LogKey, type MessageKey, messageTable, seqRange } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { ChannelCache } from "./channel-cache.ts";
import type { History, HistoryPage, HistorySlice } from "./history.ts";
import { type ChannelKey, type Head, isExpired, type LogName, type MessageId, type StoredMessage } from "./message.ts";

/** A search by client number reads so many messages at a time, newest first. */
const SEARCH_PAGE = 1000;
/** Messages that one search, or one page with expired ones among them, looks at. */
const SEARCH_MAX = 100_000;
/** From here on one range read is cheaper than point reads. */
const POINT_READS_MAX = 8;
/** A page of large messages ends early rather than fill the memory. */
const PAGE_BYTES_MAX = 32 * 1024 * 1024;
/** Read at a time to take the places of expired messages. */
const WINDOW_WITH_EXPIRED = 50;
/** Ids looked for at a time: each may be asked of every shard. */
const IDS_AT_ONCE = 16;
const NOTHING: HistorySlice = { messages: [], isCut: false };

export class MessageHistory implements History {
  readonly #store: Store;
  readonly #channels: ChannelCache;
  readonly #clock: Clock;

  constructor(store: Store, channels: ChannelCache, clock: Clock) {
    this.#store = store;
    this.#channels = channels;
    this.#clock = clock;
  }

  head(channel: ChannelKey, log: LogName): Head {
    return this.#channels.durableHead(channel, log);
  }

  async page(page: HistoryPage): Promise<HistorySlice> {
    const { channel, log, startSeq, endSeq, limit } = page;
    const at = { channel, log };
    const last = this.head(channel, log).seq;
    if (startSeq === 0 && endSeq === 0) return this.#walk(at, 1, last, limit, "newest");
    if (page.direction === "up")
      return this.#walk(at, Math.max(1, startSeq), endSeq === 0 ? last : Math.min(last, endSeq - 1), limit, "oldest");
    if (endSeq > startSeq) return NOTHING;
    return this.#walk(at, endSeq + 1, Math.min(startSeq, last), limit, "newest");
  }

  async newest(channel: ChannelKey, log: LogName, fromSeq: number, limit: number): Promise<readonly StoredMessage[]> {
    const last = this.head(channel, log).seq;
    return (await this.#walk({ channel, log }, Math.max(1, fromSeq), last, limit, "newest")).messages;
  }

  async bySeqs(channel: ChannelKey, log: LogName, seqs: readonly number[]): Promise<readonly StoredMessage[]> {
    return this.#at(seqs.filter((seq) => seq > 0).map((seq) => ({ channel, log, seq })));
  }

  async byIds(ids: readonly MessageId[]): Promise<readonly StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      const some = ids.slice(at, at + IDS_AT_ONCE);
      const places = await Promise.all(some.map((id) => placeOfId(this.#store, id)));
      found.push(...(await this.#at(places.filter((place) => place !== undefined))));
    }
    return found;
  }

  async byClientMsgNos(
    channel: ChannelKey,
    log: LogName,
    clientMsgNos: Iterable<string>,
  ): Promise<ReadonlyMap<string, StoredMessage>> {
    const found = new Map<string, StoredMessage>();
    const missing = new Set(clientMsgNos);
    missing.delete("");
    let last = this.head(channel, log).seq;
    const oldest = Math.max(1, last - SEARCH_MAX + 1);
    while (missing.size > 0 && last >= oldest) {
      const part = await this.#read({ channel, log }, Math.max(oldest, last - SEARCH_PAGE + 1), last, true);
      for (const message of part)
        if (missing.has(message.clientMsgNo) && this.#isAlive(message)) {
          missing.delete(message.clientMsgNo);
          found.set(message.clientMsgNo, message);
        }
      last = (part.at(-1)?.seq ?? 0) - 1;
    }
    return found;
  }

  /**
   * Ascending: `limit` messages from one end of first … last. Where expired ones are among them the next ones take their
   * places; it ends early at PAGE_BYTES_MAX.
   */
  async #walk(at: LogKey, first: number, last: number, limit: number, end: "oldest" | "newest"): Promise<HistorySlice> {
    const reverse = end === "newest";
    const found: StoredMessage[] = [];
    let [from, to] = [first, last];
    let bytes = 0;
    let read = 0;
    while (from <= to && found.length < limit && bytes < PAGE_BYTES_MAX && read < SEARCH_MAX) {
      const count = read === 0 ? limit : Math.max(limit - found.length, WINDOW_WITH_EXPIRED);
      const part = await this.#read(
        at,
        reverse ? Math.max(from, to - count + 1) : from,
        reverse ? to : Math.min(to, from + count - 1),
        reverse,
      );
      for (const message of part) {
        bytes += message.payload.length;
        if (found.length < limit && this.#isAlive(message)) found.push(message);
      }
      read += part.length;
      const next = part.at(-1)?.seq;
      if (next === undefined) return { messages: reverse ? found.reverse() : found, isCut: false };
      if (reverse) to = next - 1;
      else from = next + 1;
    }
    return { messages: reverse ? found.reverse() : found, isCut: found.length < limit && from <= to };
  }

  /** first … last, or as many of them as one range may bring; the newest first with `reverse`. */
  async #read(at: LogKey, first: number, last: number, reverse: boolean): Promise<readonly StoredMessage[]> {
    const shard = shardOfChannel(at.channel);
    if (last - first >= POINT_READS_MAX)
      return this.#store.range(messageTable, { ...seqRange(shard, at, first, last), reverse, limit: last - first + 1 });
    const keys = Array.from({ length: last - first + 1 }, (_, index) => ({
      shard,
      key: { ...at, seq: reverse ? last - index : first + index },
    }));
    return (await this.#store.getMany(messageTable, keys)).filter((message) => message !== undefined);
  }

  async #at(places: readonly MessageKey[]): Promise<readonly StoredMessage[]> {
    const asked = places.map((key) => ({ shard: shardOfChannel(key.channel), key }));
    const messages = await this.#store.getMany(messageTable, asked);
    return messages.filter((message) => message !== undefined).filter((message) => this.#isAlive(message));
  }

  #isAlive(message: StoredMessage): boolean {
    return message.expireSeconds === 0 || !isExpired(message, this.#clock.wallMs());
  }
}
