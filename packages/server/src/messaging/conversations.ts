/**
 * Conversation rows in both views, per user. A user's rows are either complete (his list was asked for) or only those
 * that are in flight right now; in the second case the disk knows the rest.
 */
import { type Batch, put } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfChannel, shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { conversationTable, headTable, lastSentTable, userRange } from "../store/tables.ts";
import type { CacheStats } from "./cache-stats.ts";
import { kindOf } from "./channel-kinds.ts";
import type { Conversation } from "./conversation.ts";
import { type CacheBounds, LoadedCache } from "./loaded-cache.ts";
import { type ChannelKey, channelText, EMPTY_HEAD, type Head, type Mark, ORIGIN } from "./message.ts";

const USER_BYTES = 400;
const ROW_BYTES = 500;

export interface ConversationEntry {
  readonly channel: ChannelKey;
  /** `channelText` of the channel. */
  readonly text: string;
  /** The channel as the user names it, and whether his chat list has such; undefined until somebody asks. */
  shown: { readonly key: ChannelKey; readonly text: string; readonly isListed: boolean } | undefined;
  decided: Conversation | undefined;
  durable: Conversation | undefined;
  /** The mark of the user's own last message, durable; undefined until somebody asks. */
  ownLast: Mark | undefined;
  inFlight: number;
}

class UserRows {
  readonly uid: string;
  readonly shard: number;
  readonly entries: Map<string, ConversationEntry> = new Map();
  complete = false;
  loading: Promise<void> | undefined;
  pins = 0;
  bytes: number;
  constructor(uid: string) {
    this.uid = uid;
    this.shard = shardOfUser(uid);
    this.bytes = USER_BYTES + uid.length * 2;
  }
}

function newEntry(channel: ChannelKey, text: string, row: Conversation | undefined): ConversationEntry {
  return { channel, text, shown: undefined, decided: row, durable: row, ownLast: undefined, inFlight: 0 };
}

export interface RowWrite {
  readonly rows: UserRows;
  readonly entry: ConversationEntry;
  readonly row: Conversation;
}

export class Conversations {
  readonly #store: Store;
  readonly #users: LoadedCache<UserRows>;

  constructor(store: Store, bounds: CacheBounds) {
    this.#store = store;
    this.#users = new LoadedCache(bounds);
    store.onReset(() => this.#users.clear());
  }

  /** Of the users' lists; their hits and misses are those of whole lists. */
  stats(): CacheStats {
    return this.#users.stats();
  }

  /** The decided row, at once. */
  decided(uid: string, channel: ChannelKey): Conversation | undefined {
    const entry = this.#users.peek(uid)?.entries.get(channelText(channel));
    if (entry !== undefined) return entry.decided;
    return this.#store.get(conversationTable, shardOfUser(uid), { uid, channel });
  }

  /** The durable row, at once. */
  durable(uid: string, channel: ChannelKey): Conversation | undefined {
    const entry = this.#users.peek(uid)?.entries.get(channelText(channel));
    if (entry !== undefined) return entry.durable;
    return this.#store.get(conversationTable, shardOfUser(uid), { uid, channel });
  }

  /** Decides a row and puts it into `batch`, which must be of the user's shard. `known` is the decided row so far. */
  decide(batch: Batch, uid: string, known: Conversation | undefined, row: Conversation): RowWrite {
    const text = channelText(row.channel);
    let rows = this.#users.get(uid);
    if (rows === undefined) {
      rows = new UserRows(uid);
      this.#users.set(uid, rows);
    }
    let entry = rows.entries.get(text);
    if (entry === undefined) {
      entry = newEntry(row.channel, text, known);
      rows.entries.set(text, entry);
      this.#grow(rows, ROW_BYTES);
    }
    entry.decided = row;
    entry.inFlight++;
    rows.pins++;
    put(batch, conversationTable, { uid, channel: row.channel }, row);
    return { rows, entry, row };
  }

  /** The write has become durable. After a failure nothing is called: the reset has dropped the objects. */
  settle(write: RowWrite): void {
    const { rows, entry, row } = write;
    entry.durable = row;
    entry.inFlight--;
    rows.pins--;
    if (entry.inFlight > 0 || rows.complete || rows.loading !== undefined) return;
    if (rows.entries.size === 1 && rows.pins === 0) {
      this.#users.delete(rows.uid);
      return;
    }
    rows.entries.delete(entry.text);
    this.#grow(rows, -ROW_BYTES);
  }

  /**
   * Commits a batch of rows and resolves when they are durable. They are settled in the very step that the store tells it:
   * one promise later, another change of the same row in the same write would be settled before.
   */
  commit(batch: Batch, writes: readonly RowWrite[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#store.commit(batch, (failure) => {
        if (failure !== null) {
          reject(new StoreUnavailable(failure));
          return;
        }
        for (const write of writes) this.settle(write);
        this.trim();
        resolve();
      });
    });
  }

  /** The user's own message has become durable. */
  sent(uid: string, channel: ChannelKey, mark: Mark): void {
    const entry = this.#users.peek(uid)?.entries.get(channelText(channel));
    if (entry !== undefined) entry.ownLast = mark;
  }

  /** All rows of the user; read their `durable` side. Pinned until `release`. */
  async all(
    uid: string,
  ): Promise<{ readonly entries: Iterable<ConversationEntry>; readonly count: number; release(): void }> {
    let rows = this.#users.get(uid);
    if (rows === undefined) {
      rows = new UserRows(uid);
      this.#users.set(uid, rows);
    }
    const held = rows;
    held.pins++;
    if (held.complete) this.#users.hits++;
    else this.#users.misses++;
    try {
      if (!held.complete) {
        held.loading ??= this.#readAll(held);
        await held.loading;
      }
    } catch (error) {
      held.pins--;
      throw error;
    }
    return {
      entries: held.entries.values(),
      count: held.entries.size,
      release: () => {
        held.pins--;
        this.#users.trim();
      },
    };
  }

  /** The mark of the user's own last message in an entry's channel. */
  ownLast(uid: string, entry: ConversationEntry, head: Head): Mark {
    entry.ownLast ??= this.ownLastIn(uid, entry.channel, head);
    return entry.ownLast;
  }

  /** `head`: the durable one of the channel's chat log, for who has it. */
  ownLastIn(uid: string, channel: ChannelKey, head?: Head): Mark {
    const shard = shardOfChannel(channel);
    const at = kindOf(channel.type).implied(channel.id).indexOf(uid);
    if (at < 0) return this.#store.get(lastSentTable, shard, { channel, uid }) ?? ORIGIN;
    const { lastSent } = head ?? this.#store.get(headTable, shard, { channel, log: "chat" }) ?? EMPTY_HEAD;
    return lastSent[at] ?? ORIGIN;
  }

  trim(): void {
    this.#users.trim();
  }

  async #readAll(rows: UserRows): Promise<void> {
    try {
      let added = 0;
      for (const row of await this.#store.all(conversationTable, userRange(conversationTable, rows.shard, rows.uid))) {
        const text = channelText(row.channel);
        // What is there already was decided meanwhile and is newer than this reading.
        if (rows.entries.has(text)) continue;
        rows.entries.set(text, newEntry(row.channel, text, row));
        added++;
      }
      this.#grow(rows, added * ROW_BYTES);
      rows.complete = true;
    } finally {
      rows.loading = undefined;
    }
  }

  #grow(rows: UserRows, bytes: number): void {
    rows.bytes += bytes;
    if (this.#users.peek(rows.uid) === rows) this.#users.grew(bytes);
  }
}
