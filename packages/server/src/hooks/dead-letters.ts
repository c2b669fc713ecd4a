/**
 * Events that their receivers refuse, kept on disk until somebody sends them again or throws them away. In memory there
 * is only what the bounds and the search for a message need.
 */
import { compareIds } from "../messaging/ids.ts";
import type { MessageId } from "../messaging/message.ts";
import { type Batch, createBatch, put, remove } from "../store/batch.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { type DeadLetterRow, deadLetterBodyTable, deadLetterTable, tableRange } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { WebhookEvent } from "./webhook.ts";

export interface DeadLettersOptions {
  readonly countMax: number;
  readonly bytesMax: number;
}

export interface DeadLettersDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: { next(): MessageId };
  readonly options: DeadLettersOptions;
}

export interface Refusal {
  readonly receiver: string;
  readonly event: WebhookEvent;
  readonly reason: string;
  readonly tries: number;
}

interface Known {
  readonly id: MessageId;
  readonly bytes: number;
  readonly event: string;
  /** The least and the greatest of its messages' ids. */
  readonly span: { readonly first: MessageId; readonly last: MessageId } | undefined;
}

export class DeadLetters {
  readonly #deps: DeadLettersDeps;
  /** Oldest first. */
  readonly #known = new Map<string, Known>();
  /** Events of durable letters: a follower that starts behind them again is refused the same ones again. */
  readonly #events = new Set<string>();
  #bytes = 0;

  private constructor(deps: DeadLettersDeps) {
    this.#deps = deps;
  }

  static async load(deps: DeadLettersDeps): Promise<DeadLetters> {
    const letters = new DeadLetters(deps);
    for (const row of await deps.store.all(deadLetterTable, tableRange(deadLetterTable, GLOBAL_SHARD)))
      letters.#events.add(letters.#note(row).event);
    return letters;
  }

  get count(): number {
    return this.#known.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves with true when it is durable, or was laid aside before; with false when there is no room. Rejects with
   * `StoreUnavailable`.
   */
  async add({ receiver, event, reason, tries }: Refusal): Promise<boolean> {
    const { store, clock, ids, options } = this.#deps;
    if (this.#events.has(eventKey(receiver, event.id))) return true;
    if (this.#known.size >= options.countMax || this.#bytes + event.body.length > options.bytesMax) return false;
    const row: DeadLetterRow = {
      id: ids.next(),
      receiver,
      eventName: event.name,
      eventId: event.id,
      reason,
      tries,
      sinceMs: clock.wallMs(),
      bodyBytes: event.body.length,
      messageIds: event.messageIds ?? [],
    };
    const batch = createBatch(GLOBAL_SHARD);
    put(batch, deadLetterTable, row.id, row);
    put(batch, deadLetterBodyTable, row.id, event.body);
    const known = this.#note(row);
    try {
      await store.committed(batch);
      this.#events.add(known.event);
    } catch (error) {
      this.#forget(row.id);
      throw error;
    }
    return true;
  }

  /** Oldest first, those after `after`. */
  list(after: MessageId, limit: number): Promise<readonly DeadLetterRow[]> {
    const { to } = tableRange(deadLetterTable, GLOBAL_SHARD);
    const from = Buffer.concat([deadLetterTable.keyOf(GLOBAL_SHARD, after), new Uint8Array(1)]);
    return this.#deps.store.range(deadLetterTable, { from, to, reverse: false, limit });
  }

  find(id: MessageId): { readonly row: DeadLetterRow; readonly body: Uint8Array } | undefined {
    const row = this.#deps.store.get(deadLetterTable, GLOBAL_SHARD, id);
    const body = this.#deps.store.get(deadLetterBodyTable, GLOBAL_SHARD, id);
    return row === undefined || body === undefined ? undefined : { row, body };
  }

  /** Whether the event of a message was laid aside and is still here. */
  tellsOf(messageId: MessageId): boolean {
    for (const { id, span } of this.#known.values()) {
      if (span === undefined || compareIds(messageId, span.first) < 0 || compareIds(messageId, span.last) > 0) continue;
      const row = this.#deps.store.get(deadLetterTable, GLOBAL_SHARD, id);
      if (row?.messageIds.some((each) => compareIds(each, messageId) === 0)) return true;
    }
    return false;
  }

  /** Resolves when they are gone for good. */
  async discard(ids: readonly MessageId[]): Promise<void> {
    const batch: Batch = createBatch(GLOBAL_SHARD);
    for (const id of ids) {
      remove(batch, deadLetterTable, id);
      remove(batch, deadLetterBodyTable, id);
    }
    await this.#deps.store.committed(batch);
    for (const id of ids) this.#forget(id);
  }

  #note(row: DeadLetterRow): Known {
    const sorted = row.messageIds.toSorted(compareIds);
    const first = sorted[0];
    const last = sorted.at(-1);
    const span = first === undefined || last === undefined ? undefined : { first, last };
    const known = { id: row.id, bytes: row.bodyBytes, event: eventKey(row.receiver, row.eventId), span };
    this.#known.set(textOf(row.id), known);
    this.#bytes += row.bodyBytes;
    return known;
  }

  #forget(id: MessageId): void {
    const known = this.#known.get(textOf(id));
    if (known === undefined) return;
    this.#bytes -= known.bytes;
    this.#events.delete(known.event);
    this.#known.delete(textOf(id));
  }
}

function eventKey(receiver: string, eventId: string): string {
  return `${receiver} ${eventId}`;
}

function textOf({ high, low }: MessageId): string {
  return `${high}.${low}`;
}
