/** Reads the feed from disk: the rows of message ids in key order, and the messages they name, a bounded page at a time. */
import { compareIds } from "../messaging/ids.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import type { Store } from "./store.ts";
import { type IdEntry, idsAfter, messageIdsTable, messageTable } from "./tables.ts";

export interface FeedPage {
  /** In id order. What has been deleted meanwhile is left out. */
  readonly messages: readonly StoredMessage[];
  /** Ids in it, the deleted ones too. */
  readonly count: number;
  /** The first and the last id in it; undefined: there was nothing after the position. */
  readonly span: { readonly first: MessageId; readonly last: MessageId } | undefined;
}

export type ReadableStore = Pick<Store, "range" | "getMany">;

/** A row holds the ids of one batch. */
const ROWS_AT_ONCE = 16;
/** Messages are read a few at a time, since their sizes are not known before. */
const MESSAGES_AT_ONCE = 16;
const MESSAGE_COST_BYTES = 300;

/** What comes after `position`: at most so many messages, and ending early at about so many bytes. */
export async function readFeedPage(
  store: ReadableStore,
  shard: number,
  position: MessageId,
  bounds: { readonly messagesMax: number; readonly bytesMax: number },
): Promise<FeedPage> {
  const entries = await entriesAfter(store, shard, position, bounds.messagesMax);
  const messages: StoredMessage[] = [];
  let count = 0;
  let bytes = 0;
  while (count < entries.length && (count === 0 || bytes < bounds.bytesMax)) {
    const some = entries.slice(count, count + MESSAGES_AT_ONCE);
    const keys = some.map(({ at }) => ({ shard, key: at }));
    for (const message of await store.getMany(messageTable, keys)) {
      if (message === undefined) continue;
      bytes += bytesOf(message);
      messages.push(message);
    }
    count += some.length;
  }
  const first = entries[0]?.id;
  const last = entries[count - 1]?.id;
  return { messages, count, span: first === undefined || last === undefined ? undefined : { first, last } };
}

export function bytesOf(message: StoredMessage): number {
  return message.payload.length + MESSAGE_COST_BYTES;
}

/** Where the next ids after `position` stand, at most `max` of them. */
async function entriesAfter(
  store: ReadableStore,
  shard: number,
  position: MessageId,
  max: number,
): Promise<readonly IdEntry[]> {
  const found: IdEntry[] = [];
  let after = position;
  while (found.length < max) {
    const rows = await store.range(messageIdsTable, {
      ...idsAfter(shard, after),
      reverse: false,
      limit: ROWS_AT_ONCE,
    });
    // A range may bring fewer rows than asked for: only an empty one is the end.
    if (rows.length === 0) break;
    for (const row of rows) {
      for (const entry of row) if (found.length < max && compareIds(entry.id, position) > 0) found.push(entry);
      after = row.at(-1)?.id ?? after;
    }
  }
  return found;
}

/** Ids after `position` up to `last`, counted a page at a time. */
export async function countIds(
  store: ReadableStore,
  shard: number,
  position: MessageId,
  last: MessageId,
): Promise<{
  readonly count: number;
  readonly first: MessageId | undefined;
  readonly goesOnAfter: MessageId | undefined;
}> {
  const rows = await store.range(messageIdsTable, {
    ...idsAfter(shard, position),
    reverse: false,
    limit: ROWS_COUNTED,
  });
  let count = 0;
  let first: MessageId | undefined;
  let goesOnAfter: MessageId | undefined;
  for (const row of rows)
    for (const { id } of row) {
      if (compareIds(id, position) <= 0) continue;
      if (compareIds(id, last) > 0) return { count, first, goesOnAfter: undefined };
      first ??= id;
      goesOnAfter = id;
      count++;
    }
  return { count, first, goesOnAfter };
}
/** About a millisecond of work, unless many messages came at once. */
const ROWS_COUNTED = 60;
