/**
 * The users there are: whoever has a device or belongs to a channel. There is no row per user, so the two tables that begin
 * with the uid are walked together, from one uid to the next. By shard, then by the length of the uid, then by its bytes.
 */
import { SHARD_COUNT, shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { conversationTable, deviceTable, tableRange, uidOfKey, userRange } from "../store/tables.ts";

export interface UserPage {
  /** In order, also when walked backwards. */
  readonly uids: readonly string[];
  readonly hasMore: boolean;
}

const TABLES = [conversationTable, deviceTable] as const;

export class UserBrowser {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** `from`: the uid to go on from, itself left out; undefined: at the first, or the last when backwards. */
  async page(from: string | undefined, isBackwards: boolean, limit: number): Promise<UserPage> {
    const uids: string[] = [];
    const step = isBackwards ? -1 : 1;
    let shard = from === undefined ? (isBackwards ? SHARD_COUNT - 1 : 0) : shardOfUser(from);
    let last = from;
    while (shard >= 0 && shard < SHARD_COUNT) {
      const uid = await this.#nextIn(shard, last, isBackwards);
      if (uid === undefined) {
        shard += step;
        last = undefined;
        continue;
      }
      if (uids.length === limit) return { uids: isBackwards ? uids.reverse() : uids, hasMore: true };
      uids.push(uid);
      last = uid;
    }
    return { uids: isBackwards ? uids.reverse() : uids, hasMore: false };
  }

  async has(uid: string): Promise<boolean> {
    const shard = shardOfUser(uid);
    const found = await Promise.all(
      TABLES.map((table) => this.#store.rangeKeys({ ...userRange(table, shard, uid), reverse: false, limit: 1 })),
    );
    return found.some((keys) => keys.length > 0);
  }

  async #nextIn(shard: number, last: string | undefined, isBackwards: boolean): Promise<string | undefined> {
    const found = await Promise.all(
      TABLES.map(async (table) => {
        const all = tableRange(table, shard);
        const beside = last === undefined ? undefined : userRange(table, shard, last);
        const from = isBackwards ? all.from : (beside?.to ?? all.from);
        const to = isBackwards ? (beside?.from ?? all.to) : all.to;
        return (await this.#store.rangeKeys({ from, to, reverse: isBackwards, limit: 1 })).at(0);
      }),
    );
    let nearest: string | undefined;
    for (const key of found) {
      if (key === undefined) continue;
      const uid = uidOfKey(key);
      if (nearest === undefined || isBefore(uid, nearest) !== isBackwards) nearest = uid;
    }
    return nearest;
  }
}

/** As their keys stand. */
function isBefore(uid: string, other: string): boolean {
  const [a, b] = [Buffer.from(uid), Buffer.from(other)];
  return a.length === b.length ? a.compare(b) < 0 : a.length < b.length;
}
