/**
 * The durable side of the server: tables over an engine, and the one way to change them, `commit`. Reads see durable rows
 * only. The store knows no rule of messaging.
 */
import type { MessageId } from "../messaging/message.ts";
import type { World } from "../world/world.ts";
import { type Batch, createBatch, put } from "./batch.ts";
import { type CommitLimits, type CommitStats, Committer, type Settled, type StoreState } from "./commit.ts";
import { type CommitFailure, StoreUnavailable } from "./commit-failure.ts";
import { type Engine, type KeyRange, StoreOpenError } from "./engine.ts";
import { Feed } from "./feed.ts";
import { FilterFill, type FilterPage } from "./filter-fill.ts";
import { KeyFilter } from "./key-filter.ts";
import { GLOBAL_SHARD, SHARD_COUNT } from "./shards.ts";
import type { Table } from "./table.ts";
import {
  channelTable,
  conversationTable,
  headTable,
  lastSentTable,
  messageIdsTable,
  receiptTable,
  systemTable,
  tableRange,
  trailTable,
} from "./tables.ts";

export interface StoreOptions {
  readonly world: World;
  /** Of the engine; made if it is not there. */
  readonly directory: string;
  readonly limits: CommitLimits;
  /** Memory for knowing which keys are not there. */
  readonly keyFilterBytesMax: number;
  readonly stateChanged: (readOnlyBecause: string | null) => void;
}

export interface StoreStats {
  readonly isWritable: boolean;
  readonly commit: CommitStats;
  readonly keyFilterBytes: number;
  /** Keys that were looked for, and those that needed no look at the disk. */
  readonly keyFilterLookups: number;
  readonly keyFilterAbsent: number;
}

export interface RangeQuery extends Pick<KeyRange, "from" | "to"> {
  readonly reverse: boolean;
  readonly limit: number;
}

export interface TableEntry<Row> {
  readonly key: Uint8Array;
  readonly row: Row;
}

/** A range never brings more at once; who wants more asks again from the last key. */
const RANGE_BYTES_MAX = 16 * 1024 * 1024;
/** Rows that `all` reads at a time. */
const PAGE_ROWS = 10_000;
/** Their rows are looked for one by one, and mostly in vain. */
const FILTERED: readonly Table<never, unknown>[] = [
  receiptTable,
  headTable,
  lastSentTable,
  channelTable,
  conversationTable,
  trailTable,
];
/** Which message ids there are is known too, though a row holds many. */
const FILTERED_RANGES: readonly Table<never, unknown>[] = [...FILTERED, messageIdsTable];
const FILTERED_BITS = FILTERED.reduce((bits, table) => bits | (1 << table.id), 0);
/** Where a key has its table. */
const TABLE_AT = 2;
/** One row of message ids is read into the filter as if it were so many. */
const ID_ROW_WEIGHT = 16;
/** Raised when another program could not read what this one writes. */
const FORMAT = 3;

export class Store {
  readonly feed: Feed;
  readonly #committer: Committer;
  readonly #filter: KeyFilter;
  readonly #filling: FilterFill;
  readonly #resets: (() => void)[] = [];
  /** Rises at each reset: who waited across one holds objects that are no longer loaded. */
  epoch = 0;
  /** What is written in this run, until the engine is opened again, and in no other. Never 0. */
  run: number;
  readonly #random: World["random"];

  private constructor(engine: Engine, options: StoreOptions) {
    this.#committer = new Committer(engine, {
      world: options.world,
      directory: options.directory,
      limits: options.limits,
      reset: () => this.#reset(),
      stateChanged: options.stateChanged,
    });
    this.#random = options.world.random;
    this.run = this.#newRun();
    this.feed = new Feed(this, options.world);
    this.#filter = new KeyFilter(SHARD_COUNT, options.keyFilterBytesMax);
    this.#filling = new FilterFill({
      timers: options.world.timers,
      filter: this.#filter,
      shardCount: SHARD_COUNT,
      rangesOf: (shard) => FILTERED_RANGES.map((table) => tableRange(table, shard)),
      readPage: (range, limit) => this.#filterPage(range, limit),
    });
  }

  /** Rejects with a `StoreOpenError` when the directory cannot be used. */
  static async open(options: StoreOptions): Promise<Store> {
    const engine = await options.world.openEngine(options.directory);
    const store = new Store(engine, options);
    try {
      await store.#checkFormat(options.directory);
    } catch (error) {
      await engine.close();
      throw error;
    }
    void store.#filling.run();
    return store;
  }

  get state(): StoreState {
    return this.#committer.state;
  }
  get readOnlyBecause(): string | null {
    return this.#committer.readOnlyBecause;
  }

  /** Plain data. */
  stats(): StoreStats {
    return {
      isWritable: this.#committer.state === "open",
      commit: this.#committer.stats(),
      keyFilterBytes: this.#filter.bytes,
      keyFilterLookups: this.#filter.lookups,
      keyFilterAbsent: this.#filter.absent,
    };
  }

  /** Why a batch would be refused now; null: it would be taken. */
  refusal(): CommitFailure | null {
    return this.#committer.refusal();
  }

  /**
   * Durable after everything handed over before it. `settled` runs once, in hand-over order: null means durable and
   * readable. On failure the reset listeners have run before, and every batch handed over since has failed too.
   */
  commit(batch: Batch, settled: Settled): void {
    this.#note(batch);
    this.#committer.commit([batch], settled);
  }

  /**
   * As `commit`, for one step over several shards: in this order and, on one machine, all of them or none. Where each
   * shard has a log of its own only the order is left, so a step must still be one that repeating it completes.
   */
  commitStep(batches: readonly Batch[], settled: Settled): void {
    for (const batch of batches) this.#note(batch);
    this.#committer.commit(batches, settled);
  }

  /** As `commit`, for who waits. */
  committed(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.commit(batch, (failure) => (failure === null ? resolve() : reject(new StoreUnavailable(failure))));
    });
  }

  /** As `commitStep`, for who waits. */
  committedStep(batches: readonly Batch[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.commitStep(batches, (failure) => (failure === null ? resolve() : reject(new StoreUnavailable(failure))));
    });
  }

  /** Forget loaded objects: a failed write, later a lost leadership. */
  onReset(drop: () => void): void {
    this.#resets.push(drop);
  }

  get<Key, Row>(table: Table<Key, Row>, shard: number, key: Key): Row | undefined {
    const keyBytes = table.keyOf(shard, key);
    if (isFiltered(keyBytes) && this.#filter.isAbsent(shard, keyBytes)) return undefined;
    const value = this.#read((engine) => engine.get(keyBytes));
    return value === undefined ? undefined : table.decode(value, keyBytes);
  }

  /** False: no message of this shard has the id, which is known without asking the disk. */
  mayHoldId(shard: number, id: MessageId): boolean {
    return !this.#filter.isAbsent(shard, messageIdsTable.keyOf(shard, id));
  }

  async getMany<Key, Row>(
    table: Table<Key, Row>,
    at: readonly { readonly shard: number; readonly key: Key }[],
  ): Promise<(Row | undefined)[]> {
    const keys = at.map((each) => table.keyOf(each.shard, each.key));
    const values = await this.#readLater((engine) => engine.getMany(keys));
    return values.map((value, index) => (value === undefined ? undefined : table.decode(value, keys[index]!)));
  }

  async range<Key, Row>(table: Table<Key, Row>, query: RangeQuery): Promise<Row[]> {
    const entries = await this.#readLater((engine) => engine.range({ ...query, bytesMax: RANGE_BYTES_MAX }));
    return entries.map(([key, value]) => table.decode(value, key));
  }

  /** As `range`, with the keys. */
  async entries<Row>(table: Table<never, Row>, query: RangeQuery): Promise<TableEntry<Row>[]> {
    const entries = await this.#readLater((engine) => engine.range({ ...query, bytesMax: RANGE_BYTES_MAX }));
    return entries.map(([key, value]) => ({ key, row: table.decode(value, key) }));
  }

  /** Every row of the range, however many: read page by page, so not of one point in time. */
  async all<Key, Row>(table: Table<Key, Row>, range: Pick<KeyRange, "from" | "to">): Promise<Row[]> {
    const rows: Row[] = [];
    let { from } = range;
    for (;;) {
      const query = { from, to: range.to, reverse: false, limit: PAGE_ROWS, bytesMax: RANGE_BYTES_MAX };
      const entries = await this.#readLater((engine) => engine.range(query));
      const last = entries.at(-1);
      if (last === undefined) return rows;
      for (const [key, value] of entries) rows.push(table.decode(value, key));
      from = Buffer.concat([last[0], new Uint8Array(1)]);
    }
  }

  /** Only the keys: the greatest message ids are read so at start. */
  async rangeKeys(query: RangeQuery): Promise<Uint8Array[]> {
    const entries = await this.#readLater((engine) => engine.range({ ...query, bytesMax: RANGE_BYTES_MAX }));
    return entries.map(([key]) => key);
  }

  /** Writes what was handed over, then closes. */
  async close(): Promise<void> {
    this.#filling.stop();
    await this.#committer.close();
  }

  async #checkFormat(directory: string): Promise<void> {
    const format = this.get(systemTable, GLOBAL_SHARD, "format");
    const shards = this.get(systemTable, GLOBAL_SHARD, "shards");
    if (format === undefined) {
      const batch = createBatch(GLOBAL_SHARD);
      put(batch, systemTable, "format", FORMAT);
      put(batch, systemTable, "shards", SHARD_COUNT);
      await this.#committer.engine.write([batch]);
      return;
    }
    if (format !== FORMAT || shards !== SHARD_COUNT)
      throw new StoreOpenError(
        "newer_format",
        `the data in ${directory} is of format ${format} with ${shards} shards; this version reads format ${FORMAT} with ${SHARD_COUNT}`,
      );
  }

  #note({ shard, keys, messages }: Batch): void {
    for (const key of keys) if (isFiltered(key)) this.#filter.add(shard, key);
    for (const { id } of messages) this.#filter.add(shard, messageIdsTable.keyOf(shard, id));
  }

  async #filterPage(range: Pick<KeyRange, "from" | "to">, limit: number): Promise<FilterPage> {
    // A row of ids holds many keys.
    const rows = isFiltered(range.from) ? limit : Math.ceil(limit / ID_ROW_WEIGHT);
    const query = { ...range, reverse: false, limit: rows, bytesMax: RANGE_BYTES_MAX };
    const entries = await this.#readLater((engine) => engine.range(query));
    const keys: Uint8Array[] = [];
    for (const [key, value] of entries) {
      if (isFiltered(key)) keys.push(key);
      else
        for (const { id } of messageIdsTable.decode(value, key))
          keys.push(messageIdsTable.keyOf((key[0]! << 8) | key[1]!, id));
    }
    return { keys, goesOnAfter: entries.at(-1)?.[0] };
  }

  /** While the store is reopened there may be nothing to read from. */
  #read<Result>(from: (engine: Engine) => Result): Result {
    try {
      return from(this.#committer.engine);
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  async #readLater<Result>(from: (engine: Engine) => Promise<Result>): Promise<Result> {
    try {
      return await from(this.#committer.engine);
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  #newRun(): number {
    return this.#random.uint32() || 1;
  }

  #reset(): void {
    this.epoch++;
    this.run = this.#newRun();
    this.feed.reset();
    for (const drop of this.#resets) drop();
  }
}

function isFiltered(key: Uint8Array): boolean {
  return (FILTERED_BITS & (1 << (key[TABLE_AT] ?? 0))) !== 0;
}

function unreadable(cause: unknown): StoreUnavailable {
  return cause instanceof StoreUnavailable
    ? cause
    : new StoreUnavailable({ outcome: "refused", code: "read_only", cause });
}
