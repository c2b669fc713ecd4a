/** Reads messages of a log by their dense seqs. Pages are ranges of neighbouring keys; single ones are point reads. */
import { SHARD_COUNT, shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type MessageKey, messageIdTable, messageTable, seqRange } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { ChannelCache } from "./channel-cache.ts";
import type { History, HistoryPage } from "./history.ts";
import type { ChannelKey, Head, LogName, MessageId, StoredMessage } from "./message.ts";

/** A search by client number reads so many messages at a time, newest first. */
const SEARCH_PAGE = 1000;
/** Older ones are not found by their client number alone. */
const SEARCH_MAX = 100_000;
/** From here on one range read is cheaper than point reads. */
const POINT_READS_MAX = 8;

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

  async page(page: HistoryPage): Promise<readonly StoredMessage[]> {
    const { channel, log, startSeq, endSeq, limit } = page;
    const last = this.head(channel, log).seq;
    if (startSeq === 0 && endSeq === 0) return this.newest(channel, log, 1, limit);
    if (page.direction === "up") {
      const first = Math.max(1, startSeq);
      const end = endSeq === 0 ? last : Math.min(last, endSeq - 1);
      return this.#range(channel, log, first, Math.min(end, first + limit - 1));
    }
    if (endSeq > startSeq) return [];
    const end = Math.min(startSeq, last);
    return this.#range(channel, log, Math.max(endSeq + 1, end - limit + 1), end);
  }

  async newest(channel: ChannelKey, log: LogName, fromSeq: number, limit: number): Promise<readonly StoredMessage[]> {
    const last = this.head(channel, log).seq;
    return this.#range(channel, log, Math.max(1, fromSeq, last - limit + 1), last);
  }

  async bySeqs(channel: ChannelKey, log: LogName, seqs: readonly number[]): Promise<readonly StoredMessage[]> {
    return this.#at(seqs.filter((seq) => seq > 0).map((seq) => ({ channel, log, seq })));
  }

  async byIds(ids: readonly MessageId[]): Promise<readonly StoredMessage[]> {
    // The id does not tell the shard: all are asked.
    const asked = ids.flatMap((id) => Array.from({ length: SHARD_COUNT }, (_, shard) => ({ shard, key: id })));
    const places = await this.#store.getMany(messageIdTable, asked);
    return this.#at(places.filter((place) => place !== undefined));
  }

  async byClientMsgNo(channel: ChannelKey, log: LogName, clientMsgNo: string): Promise<StoredMessage | undefined> {
    if (clientMsgNo === "") return undefined;
    let last = this.head(channel, log).seq;
    const oldest = Math.max(1, last - SEARCH_MAX + 1);
    while (last >= oldest) {
      const first = Math.max(oldest, last - SEARCH_PAGE + 1);
      const page = await this.#range(channel, log, first, last);
      const found = page.findLast((message) => message.clientMsgNo === clientMsgNo);
      if (found !== undefined) return found;
      last = first - 1;
    }
    return undefined;
  }

  /** Ascending, first and last included. */
  async #range(channel: ChannelKey, log: LogName, first: number, last: number): Promise<readonly StoredMessage[]> {
    if (last < first) return [];
    if (last - first < POINT_READS_MAX) {
      const seqs = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      return this.bySeqs(channel, log, seqs);
    }
    const shard = shardOfChannel(channel);
    const found: StoredMessage[] = [];
    let next = first;
    // A range may be cut by bytes; it goes on behind what came.
    while (next <= last) {
      const query = { ...seqRange(shard, { channel, log }, next, last), reverse: false, limit: last - next + 1 };
      const part = await this.#store.range(messageTable, query);
      const end = part.at(-1);
      if (end === undefined) break;
      for (const message of part) found.push(message);
      next = end.seq + 1;
    }
    return this.#alive(found);
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
