/**
 * Trails on disk: one row per user, and an order by which who was not heard of for longest is dropped first. One write at
 * a time; the caller sees to that.
 */
import { type Batch, createBatch, put, remove } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type TrailRow, tableRange, trailOrderTable, trailTable } from "../store/tables.ts";
import { addNews, emptyTrail, type UserTrail } from "./user-trail.ts";

/** Under this name stand the runs of the server itself, as sessions, and what it could not push to anybody. Never dropped. */
export const SERVER = "";
const PRUNED_PER_WRITE = 1_000;
const KEYS_PER_PAGE = 10_000;

export class TrailStore {
  readonly #store: Store;
  readonly #usersMax: number;
  /** Rows of the order table and its last number; undefined: to be counted. */
  #order: { count: number; last: number } | undefined;

  constructor(store: Store, usersMax: number) {
    this.#store = store;
    this.#usersMax = usersMax;
  }

  /** Throws `StoreUnavailable`. */
  read(uid: string): TrailRow | undefined {
    return this.#store.get(trailTable, GLOBAL_SHARD, uid);
  }

  /**
   * Adds the news to what is there. `written` runs in the very step in which they can be read. Rejects with
   * `StoreUnavailable`; some of it may be on disk then.
   */
  async write(news: ReadonlyMap<string, UserTrail>, written: () => void): Promise<void> {
    // Others need the room more.
    const refusal = this.#store.refusal();
    if (refusal !== null) throw new StoreUnavailable(refusal);
    try {
      this.#order ??= await this.#readOrder();
      const batch = createBatch(GLOBAL_SHARD);
      for (const [uid, each] of news) this.#put(batch, uid, each, this.#order);
      await this.#prune(batch, news, this.#order);
      await this.#commit(batch, written);
    } catch (error) {
      this.#order = undefined;
      throw error;
    }
  }

  #put(batch: Batch, uid: string, news: UserTrail, order: { count: number; last: number }): void {
    const row: TrailRow = this.read(uid) ?? { order: 0, ...emptyTrail() };
    addNews(row, news);
    if (uid !== SERVER) {
      if (row.order === 0) order.count++;
      else remove(batch, trailOrderTable, row.order);
      row.order = ++order.last;
      put(batch, trailOrderTable, row.order, { number: row.order, uid });
    }
    put(batch, trailTable, uid, row);
  }

  async #prune(
    batch: Batch,
    news: ReadonlyMap<string, UserTrail>,
    order: { count: number; last: number },
  ): Promise<void> {
    const surplus = Math.min(order.count - this.#usersMax, PRUNED_PER_WRITE);
    if (surplus <= 0) return;
    const range = { ...tableRange(trailOrderTable, GLOBAL_SHARD), reverse: false, limit: surplus + news.size };
    // Those of the news have just moved to the end.
    const oldest = (await this.#store.range(trailOrderTable, range)).filter(({ uid }) => !news.has(uid));
    for (const { number, uid } of oldest.slice(0, surplus)) {
      remove(batch, trailTable, uid);
      remove(batch, trailOrderTable, number);
      order.count--;
    }
  }

  #commit(batch: Batch, written: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#store.commit(batch, (failure) => {
        if (failure !== null) reject(new StoreUnavailable(failure));
        else {
          written();
          resolve();
        }
      });
    });
  }

  async #readOrder(): Promise<{ count: number; last: number }> {
    const range = tableRange(trailOrderTable, GLOBAL_SHARD);
    let { from } = range;
    let count = 0;
    for (;;) {
      const keys = await this.#store.rangeKeys({ from, to: range.to, reverse: false, limit: KEYS_PER_PAGE });
      const last = keys.at(-1);
      if (last === undefined) break;
      count += keys.length;
      from = Buffer.concat([last, new Uint8Array(1)]);
    }
    const [last] = await this.#store.range(trailOrderTable, { ...range, reverse: true, limit: 1 });
    return { count, last: last?.number ?? 0 };
  }
}
