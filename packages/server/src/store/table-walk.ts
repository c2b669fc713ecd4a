/**
 * One table through all shards, a page at a time, for operators who browse: by shard, then by key. Each page reads a few
 * ranges, whatever the table holds, and goes on exactly behind the row that the last one ended with: rows that come or go
 * meanwhile neither repeat nor hide others.
 */
import type { KeyRange } from "./engine.ts";
import { SHARD_COUNT } from "./shards.ts";
import type { Store, TableEntry } from "./store.ts";
import type { Table } from "./table.ts";
import { tableRange } from "./tables.ts";

export interface TableWalk<Row> {
  readonly table: Table<never, Row>;
  /** The key of the row to go on from, itself left out; undefined: from the beginning, or the end when backwards. */
  readonly from: Uint8Array | undefined;
  readonly isBackwards: boolean;
  readonly limit: number;
  /** Only rows of one shard. */
  readonly within?: { readonly shard: number } & Pick<KeyRange, "from" | "to">;
  readonly keeps: (entry: TableEntry<Row>) => boolean;
}

export interface WalkedPage<Row> {
  /** In the order of the table, also when walked backwards. */
  readonly entries: readonly TableEntry<Row>[];
  /** Where the walk ended in its direction: the page after this one goes on from there. undefined: it was the last. */
  readonly goesOnFrom: Uint8Array | undefined;
}

/** Rows that a page looks at when few are kept; then it ends early. */
export const LOOKED_MAX = 10_000;
const ROWS_AT_ONCE = 500;

export async function walkTable<Row>(store: Store, walk: TableWalk<Row>): Promise<WalkedPage<Row>> {
  const found: TableEntry<Row>[] = [];
  let looked = 0;
  const page = (goesOnFrom: Uint8Array | undefined): WalkedPage<Row> => ({
    entries: walk.isBackwards ? found.reverse() : found,
    goesOnFrom,
  });
  for (const range of rangesOf(walk)) {
    let { from, to } = range;
    for (;;) {
      const limit = Math.min(ROWS_AT_ONCE, LOOKED_MAX - looked);
      const entries = await store.entries(walk.table, { from, to, reverse: walk.isBackwards, limit });
      for (const entry of entries) {
        looked++;
        if (!walk.keeps(entry)) continue;
        // There is at least one more.
        if (found.length === walk.limit) return page(found.at(-1)?.key);
        found.push(entry);
      }
      const last = entries.at(-1)?.key;
      if (last === undefined) break;
      if (looked >= LOOKED_MAX) return page(last);
      if (walk.isBackwards) to = last;
      else from = behind(last);
    }
  }
  return page(undefined);
}

/** The key of a row of this table, as it came in a request; undefined: it is none. */
export function keyOfTable(table: Table<never, unknown>, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 3 || bytes[2] !== table.id) return undefined;
  return shardOf(bytes) < SHARD_COUNT ? bytes : undefined;
}

/** What is left to walk, in its direction. */
function rangesOf({
  table,
  from,
  isBackwards,
  within,
}: Omit<TableWalk<unknown>, "keeps">): Pick<KeyRange, "from" | "to">[] {
  const shards = within === undefined ? Array.from({ length: SHARD_COUNT }, (_, shard) => shard) : [within.shard];
  if (isBackwards) shards.reverse();
  return shards.flatMap((shard) => {
    const range = within ?? tableRange(table, shard);
    if (from === undefined) return [range];
    if (shard === shardOf(from))
      return [isBackwards ? { from: range.from, to: from } : { from: behind(from), to: range.to }];
    return shard < shardOf(from) === isBackwards ? [range] : [];
  });
}

function shardOf(key: Uint8Array): number {
  return ((key[0] ?? 0) << 8) | (key[1] ?? 0);
}

/** The least key after this one. */
function behind(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, new Uint8Array(1)]);
}
