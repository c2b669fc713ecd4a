/** The index of message ids: written once per batch, and asked without knowing the shard. */
import type { MessageId } from "../messaging/message.ts";
import { type Batch, put } from "./batch.ts";
import { SHARD_COUNT } from "./shards.ts";
import type { Store } from "./store.ts";
import {
  IDS_PER_ROW_MAX,
  type IdEntry,
  idsFrom,
  lastIdOfKey,
  type MessageKey,
  messageIdsTable,
  tableRange,
} from "./tables.ts";

/** Closes a batch of messages, which stand in it in the order of their ids. */
export function putMessageIds(batch: Batch): void {
  const { messages } = batch;
  for (let from = 0; from < messages.length; from += IDS_PER_ROW_MAX) {
    const some = messages.slice(from, from + IDS_PER_ROW_MAX);
    const last = some.at(-1);
    if (last === undefined) return;
    const entries: IdEntry[] = some.map((message) => ({ id: message.id, at: message }));
    put(batch, messageIdsTable, last.id, entries);
  }
}

/** Where the durable message with this id stands. An id does not tell its shard: those that may hold it are asked. */
export async function placeOfId(store: Store, id: MessageId): Promise<MessageKey | undefined> {
  const asked: Promise<MessageKey | undefined>[] = [];
  for (let shard = 0; shard < SHARD_COUNT; shard++)
    if (store.mayHoldId(shard, id)) asked.push(placeInShard(store, shard, id));
  return (await Promise.all(asked)).find((place) => place !== undefined);
}

/** The greatest id stored in each shard; undefined: it has no message. */
export async function lastIds(store: Store): Promise<readonly (MessageId | undefined)[]> {
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
  const keys = await Promise.all(
    shards.map((shard) => store.rangeKeys({ ...tableRange(messageIdsTable, shard), reverse: true, limit: 1 })),
  );
  return keys.map(([last]) => (last === undefined ? undefined : lastIdOfKey(last)));
}

async function placeInShard(store: Store, shard: number, id: MessageId): Promise<MessageKey | undefined> {
  const [entries] = await store.range(messageIdsTable, { ...idsFrom(shard, id), reverse: false, limit: 1 });
  return entries?.find((entry) => entry.id.high === id.high && entry.id.low === id.low)?.at;
}
