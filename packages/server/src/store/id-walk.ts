/**
 * The ids of all messages there are, newest or oldest first, from any id on: the index of each shard is read a few rows at
 * a time and merged with the others as it goes, so a page costs the same however many messages there are.
 */
import { compareIds } from "../messaging/ids.ts";
import type { MessageId } from "../messaging/message.ts";
import { SHARD_COUNT } from "./shards.ts";
import type { Store } from "./store.ts";
import { type IdEntry, idsFrom, type MessageKey, messageIdsTable, tableRange } from "./tables.ts";

/** A row holds the ids of one batch, mostly one or a few. */
const ROWS_FIRST = 1;
const ROWS_AT_ONCE = 16;

export type WalkDirection = "older" | "newer";

export class IdWalk {
  readonly #shards: readonly ShardIds[];
  readonly #isNewer: boolean;

  /** `from` itself is left out; undefined: from the newest (or oldest) on. */
  constructor(store: Store, from: MessageId | undefined, direction: WalkDirection) {
    this.#isNewer = direction === "newer";
    const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
    this.#shards = shards.map((shard) => new ShardIds(store, shard, from, this.#isNewer));
  }

  /** The next ones; fewer than `count` only at the end. */
  async next(count: number): Promise<readonly MessageKey[]> {
    const places: MessageKey[] = [];
    await Promise.all(this.#shards.map((shard) => shard.fill()));
    while (places.length < count) {
      const nearest = this.#nearest();
      const entry = nearest?.take();
      if (nearest === undefined || entry === undefined) break;
      places.push(entry.at);
      await nearest.fill();
    }
    return places;
  }

  #nearest(): ShardIds | undefined {
    let nearest: ShardIds | undefined;
    for (const shard of this.#shards) {
      const id = shard.first?.id;
      if (id === undefined) continue;
      const known = nearest?.first?.id;
      if (known === undefined || compareIds(id, known) > 0 !== this.#isNewer) nearest = shard;
    }
    return nearest;
  }
}

/** One shard's ids in walking order. */
class ShardIds {
  readonly #store: Store;
  readonly #shard: number;
  readonly #isNewer: boolean;
  /** Not read yet. */
  #from: Uint8Array;
  #to: Uint8Array;
  /** Where the walk begins, while the row that may hold it has not been read. */
  #beginsAt: MessageId | undefined;
  #waiting: IdEntry[] = [];
  #taken = 0;
  #rows = ROWS_FIRST;
  #isAtEnd = false;

  constructor(store: Store, shard: number, from: MessageId | undefined, isNewer: boolean) {
    this.#store = store;
    this.#shard = shard;
    this.#isNewer = isNewer;
    const all = tableRange(messageIdsTable, shard);
    this.#from = from !== undefined && isNewer ? messageIdsTable.keyOf(shard, from) : all.from;
    this.#to = from !== undefined && !isNewer ? messageIdsTable.keyOf(shard, from) : all.to;
    this.#beginsAt = from;
  }

  get first(): IdEntry | undefined {
    return this.#waiting[this.#taken];
  }

  take(): IdEntry | undefined {
    return this.#waiting[this.#taken++];
  }

  /** Until there is a first one, or no more. */
  async fill(): Promise<void> {
    while (this.first === undefined && !this.#isAtEnd) {
      const begin = this.#beginsAt;
      this.#beginsAt = undefined;
      const entries =
        begin === undefined || this.#isNewer ? await this.#read(begin) : await this.#readOlderInRowOf(begin);
      this.#waiting = this.#isNewer ? entries : entries.reverse();
      this.#taken = 0;
    }
  }

  /** Ascending. */
  async #read(begin: MessageId | undefined): Promise<IdEntry[]> {
    const query = { from: this.#from, to: this.#to, reverse: !this.#isNewer, limit: this.#rows };
    const rows = await this.#store.entries(messageIdsTable, query);
    this.#rows = ROWS_AT_ONCE;
    const last = rows.at(-1)?.key;
    if (last === undefined) this.#isAtEnd = true;
    else if (this.#isNewer) this.#from = Buffer.concat([last, new Uint8Array(1)]);
    else this.#to = last;
    if (!this.#isNewer) rows.reverse();
    return rows.flatMap(({ row }) => row).filter(({ id }) => begin === undefined || compareIds(id, begin) > 0);
  }

  /** A row has the key of its last id, so older ones than `begin` may stand in the row with `begin` itself. */
  async #readOlderInRowOf(begin: MessageId): Promise<IdEntry[]> {
    const query = { ...idsFrom(this.#shard, begin), reverse: false, limit: 1 };
    const [row] = await this.#store.range(messageIdsTable, query);
    return (row ?? []).filter(({ id }) => compareIds(id, begin) < 0);
  }
}
