/** Reads messages of a log by their dense seqs. Pages are ranges of neighbouring keys; single ones are point reads. */
import { SHARD_COUNT, shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type MessageKey, messageIdTable, messageTable, seqRange } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { ChannelCache } from "./channel-cache.ts";
import type { History, HistoryPage, HistorySlice } from "./history.ts";
import type { ChannelKey, Head, LogName, MessageId, StoredMessage } from "./message.ts";

/** A search by client number reads so many messages at a time, newest first. */
const SEARCH_PAGE = 1000;
/** Older ones are not found by their client number alone. */
const SEARCH_MAX = 100_000;
/** From here on one range read is cheaper than point reads. */
const POINT_READS_MAX = 8;
/** A page of large messages ends early rather than fill the memory. */
const PAGE_BYTES_MAX = 32 * 1024 * 1024;
/** Ids looked for at a time: each is asked of every shard. */
const IDS_AT_ONCE = 100;
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
    const last = this.head(channel, log).seq;
    if (startSeq === 0 && endSeq === 0) return this.#range(channel, log, Math.max(1, last - limit + 1), last, "newest");
    if (page.direction === "up") {
      const first = Math.max(1, startSeq);
      const end = endSeq === 0 ? last : Math.min(last, endSeq - 1);
      return this.#range(channel, log, first, Math.min(end, first + limit - 1), "oldest");
    }
    if (endSeq > startSeq) return NOTHING;
    const end = Math.min(startSeq, last);
    return this.#range(channel, log, Math.max(endSeq + 1, end - limit + 1), end, "newest");
  }

  async newest(channel: ChannelKey, log: LogName, fromSeq: number, limit: number): Promise<readonly StoredMessage[]> {
    const last = this.head(channel, log).seq;
    return (await this.#range(channel, log, Math.max(1, fromSeq, last - limit + 1), last, "newest")).messages;
  }

  async bySeqs(channel: ChannelKey, log: LogName, seqs: readonly number[]): Promise<readonly StoredMessage[]> {
    return this.#at(seqs.filter((seq) => seq > 0).map((seq) => ({ channel, log, seq })));
  }

  async byIds(ids: readonly MessageId[]): Promise<readonly StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      // The id does not tell the shard: all are asked.
      const asked = ids
        .slice(at, at + IDS_AT_ONCE)
        .flatMap((id) => Array.from({ length: SHARD_COUNT }, (_, shard) => ({ shard, key: id })));
      const places = await this.#store.getMany(messageIdTable, asked);
      found.push(...(await this.#at(places.filter((place) => place !== undefined))));
    }
    return found;
  }

  async byClientMsgNo(channel: ChannelKey, log: LogName, clientMsgNo: string): Promise<StoredMessage | undefined> {
    if (clientMsgNo === "") return undefined;
    let last = this.head(channel, log).seq;
    const oldest = Math.max(1, last - SEARCH_MAX + 1);
    while (last >= oldest) {
      const first = Math.max(oldest, last - SEARCH_PAGE + 1);
      const { messages } = await this.#range(channel, log, first, last, "newest");
      const found = messages.findLast((message) => message.clientMsgNo === clientMsgNo);
      if (found !== undefined) return found;
      last = first - 1;
    }
    return undefined;
  }

  /** Ascending, first and last included. Cut at PAGE_BYTES_MAX; `kept` says which end stays then. */
  async #range(
    channel: ChannelKey,
    log: LogName,
    first: number,
    last: number,
    kept: "oldest" | "newest",
  ): Promise<HistorySlice> {
    if (last < first) return NOTHING;
    if (last - first < POINT_READS_MAX) {
      const seqs = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      return { messages: await this.bySeqs(channel, log, seqs), isCut: false };
    }
    const shard = shardOfChannel(channel);
    const reverse = kept === "newest";
    const found: StoredMessage[] = [];
    let [from, to] = [first, last];
    let bytes = 0;
    // One range may be cut by bytes; the next goes on behind what came.
    while (from <= to && bytes < PAGE_BYTES_MAX) {
      const query = { ...seqRange(shard, { channel, log }, from, to), reverse, limit: to - from + 1 };
      const part = await this.#store.range(messageTable, query);
      const end = part.at(-1);
      if (end === undefined) {
        from = to + 1;
        break;
      }
      for (const message of part) {
        found.push(message);
        bytes += message.payload.length;
      }
      if (reverse) to = end.seq - 1;
      else from = end.seq + 1;
    }
    return { messages: this.#alive(reverse ? found.reverse() : found), isCut: from <= to };
  }

  async #at(places: readonly MessageKey[]): Promise<readonly StoredMessage[]> {
    const asked = places.map((key) => ({ shard: shardOfChannel(key.channel), key }));
    const messages = await this.#store.getMany(messageTable, asked);
    return this.#alive(messages.filter((message) => message !== undefined));
  }

  #alive(messages: readonly StoredMessage[]): readonly StoredMessage[] {
    const nowSeconds = this.#clock.wallMs() / 1000;
    return messages.filter((each) => each.expireSeconds === 0 || each.timeSeconds + each.expireSeconds > nowSeconds);
  }
}
