/**
 * One shard's change, already bytes: it cannot fail later, can travel in a log and may be applied twice, because every
 * value is absolute.
 */
import type { StoredMessage } from "../messaging/message.ts";
import type { Table } from "./table.ts";

export interface Batch {
  readonly shard: number;
  readonly keys: Uint8Array[];
  /** null deletes. */
  readonly values: (Uint8Array | null)[];
  /** What the feed announces once the batch is durable. */
  readonly messages: StoredMessage[];
  /** In memory, roughly: what the bounds of batches, writes and the queue count. */
  bytes: number;
}

/** What an entry costs in memory beyond its bytes while it waits: two buffers and their places. */
const ENTRY_COST_BYTES = 200;

export function createBatch(shard: number): Batch {
  return { shard, keys: [], values: [], messages: [], bytes: 0 };
}

export function put<Key, Row>(batch: Batch, table: Table<Key, Row>, key: Key, row: Row): void {
  const keyBytes = table.keyOf(batch.shard, key);
  const value = table.encode(row);
  batch.keys.push(keyBytes);
  batch.values.push(value);
  batch.bytes += keyBytes.length + value.length + ENTRY_COST_BYTES;
}

export function remove<Key, Row>(batch: Batch, table: Table<Key, Row>, key: Key): void {
  const keyBytes = table.keyOf(batch.shard, key);
  batch.keys.push(keyBytes);
  batch.values.push(null);
  batch.bytes += keyBytes.length + ENTRY_COST_BYTES;
}
