/**
 * Loads channels and keeps them. Point rows are read at once; lists that are not empty are read in one range each, so
 * only a group's first use waits. Two loads of one channel are one.
 */
import { isPersonRecord, shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { allowTable, channelRange, channelTable, denyTable, headTable, memberTable } from "../store/tables.ts";
import type { CacheStats } from "./cache-stats.ts";
import { type Channel, type Log, NO_CHANNEL_ROW, NO_LOG, NO_RECORD } from "./channel.ts";
import { kindOf } from "./channel-kinds.ts";
import { type CacheBounds, LoadedCache } from "./loaded-cache.ts";
import { type ChannelKey, channelText, EMPTY_HEAD, type Head, type LogName } from "./message.ts";
import { Roster } from "./roster.ts";

const CHANNEL_BYTES = 700;
const LISTED_UID_BYTES = 80;

export class ChannelCache {
  readonly #store: Store;
  readonly #loaded: LoadedCache<Channel>;
  readonly #loading = new Map<string, Promise<Channel>>();

  constructor(store: Store, bounds: CacheBounds) {
    this.#store = store;
    this.#loaded = new LoadedCache(bounds);
    store.onReset(() => {
      this.#loaded.clear();
      this.#loading.clear();
    });
  }

  stats(): CacheStats {
    return this.#loaded.stats();
  }

  /** The channel at once where possible; valid until the end of this synchronous step. */
  load(key: ChannelKey): Channel | Promise<Channel> {
    const text = channelText(key);
    const loaded = this.#loaded.get(text);
    if (loaded !== undefined) {
      this.#loaded.hits++;
      return loaded;
    }
    this.#loaded.misses++;
    return this.#loading.get(text) ?? this.#read(key, text);
  }

  /**
   * As `load`, for a person's own record, which most people do not have: without one it is `NO_RECORD`, and nothing is
   * kept. One that is being made is loaded, because its making is in flight.
   */
  record(key: ChannelKey): Channel | Promise<Channel> {
    const text = channelText(key);
    const known = this.#loaded.get(text) ?? this.#loading.get(text);
    if (known !== undefined) return known;
    return this.#store.get(channelTable, shardOfChannel(key), key) === undefined ? NO_RECORD : this.#read(key, text);
  }

  /** Stays loaded until the caller takes the pin back. */
  async loadPinned(key: ChannelKey): Promise<Channel> {
    for (;;) {
      const channel = await this.load(key);
      if (this.peek(key) !== channel) continue;
      channel.pins++;
      return channel;
    }
  }

  peek(key: ChannelKey): Channel | undefined {
    return this.#loaded.peek(channelText(key));
  }

  /** The durable head, at once, whether the channel is loaded or not. `text`: the key's `channelText`, for who has it. */
  durableHead(key: ChannelKey, log: LogName, text: string = channelText(key)): Head {
    const loaded = this.#loaded.peek(text);
    if (loaded !== undefined) return log === "chat" ? loaded.chat.durable : loaded.command.durable;
    return this.#readHead(shardOfChannel(key), key, log);
  }

  /** The lists of a loaded channel have grown by so many names. */
  grew(channel: Channel, names: number): void {
    channel.bytes += names * LISTED_UID_BYTES;
    if (this.peek(channel.key) === channel) this.#loaded.grew(names * LISTED_UID_BYTES);
  }

  trim(): void {
    this.#loaded.trim();
  }

  #read(key: ChannelKey, text: string): Channel | Promise<Channel> {
    const shard = shardOfChannel(key);
    const row = this.#store.get(channelTable, shard, key) ?? NO_CHANNEL_ROW;
    const hasLogs = !isPersonRecord(key);
    const chat = hasLogs ? newLog(this.#readHead(shard, key, "chat")) : NO_LOG;
    const command = hasLogs ? newLog(this.#readHead(shard, key, "command")) : NO_LOG;
    const kind = kindOf(key.type);
    const channel: Channel = {
      key,
      shard,
      kind,
      implied: kind.implied(key.id),
      chat,
      command,
      members: new Roster(),
      deny: new Roster(),
      allow: new Roster(),
      row,
      impliedRowsWritten: [chat, command].some(({ durable }) => durable.rowsSeenIn === this.#store.run),
      bucket: undefined,
      pins: 0,
      bytes: CHANNEL_BYTES + text.length * 4 + (row.members + row.deny + row.allow) * LISTED_UID_BYTES,
    };
    if (row.members + row.deny + row.allow === 0) {
      this.#loaded.set(text, channel);
      return channel;
    }
    const loading = this.#readLists(channel, text);
    this.#loading.set(text, loading);
    return loading;
  }

  async #readLists(channel: Channel, text: string): Promise<Channel> {
    const epoch = this.#store.epoch;
    try {
      for (const [roster, table, count] of [
        [channel.members, memberTable, channel.row.members],
        [channel.deny, denyTable, channel.row.deny],
        [channel.allow, allowTable, channel.row.allow],
      ] as const) {
        if (count === 0) continue;
        const entries = await this.#store.all(table, channelRange(table, channel.shard, channel.key));
        roster.load(entries.map((entry) => entry.uid));
      }
      if (epoch === this.#store.epoch) this.#loaded.set(text, channel);
      return channel;
    } finally {
      if (epoch === this.#store.epoch) this.#loading.delete(text);
    }
  }

  #readHead(shard: number, channel: ChannelKey, log: LogName): Head {
    return this.#store.get(headTable, shard, { channel, log }) ?? EMPTY_HEAD;
  }
}

function newLog(head: Head): Log {
  return { decided: head, durable: head, inFlight: undefined, touch: undefined };
}
