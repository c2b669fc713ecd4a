/**
 * What became durable, in commit order. The tail is told from memory right after the commit; followers get every message
 * at least once, across restarts. Neither needs a queue on disk: ids are given out in commit order within a shard, so
 * the index of message ids is the log, and a position in it is an id.
 */
import { compareIds } from "../messaging/ids.ts";
import { type MessageId, NO_ID, type StoredMessage } from "../messaging/message.ts";
import type { World } from "../world/world.ts";
import { type Batch, createBatch, put } from "./batch.ts";
import { bytesOf } from "./feed-page.ts";
import { type Follower, FollowerRun, type Following } from "./follower-run.ts";
import { lastIds } from "./message-ids.ts";
import { SHARD_COUNT } from "./shards.ts";
import type { Store } from "./store.ts";
import { cursorTable } from "./tables.ts";

export type FeedListener = (messages: readonly StoredMessage[]) => void;

/** Where a follower begins that has never been here; `like`: where that other one stands, else at the end. */
export type FirstPosition = "beginning" | "now" | { readonly like: string };

export class Feed {
  readonly #store: Store;
  readonly #world: Pick<World, "clock" | "timers" | "random">;
  readonly #listeners = new Set<FeedListener>();
  readonly #runs = new Set<FollowerRun>();
  /** By shard, since the start. */
  readonly #lastAnnounced: (MessageId | undefined)[] = new Array<undefined>(SHARD_COUNT).fill(undefined);

  constructor(store: Store, world: Pick<World, "clock" | "timers" | "random">) {
    this.#store = store;
    this.#world = world;
  }

  tail(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when it is durable that the follower exists: what is committed from then on it will get, whatever happens.
   * `failed` is told why `handle` rejected. Rejects with `StoreUnavailable`.
   */
  async follow(follower: Follower, from: FirstPosition, failed: (error: unknown) => void): Promise<Following> {
    const stored = await lastIds(this.#store);
    // What a failed write has left on disk may not have been announced.
    const endOf = (shard: number): MessageId => greater(stored[shard], this.#lastAnnounced[shard]) ?? NO_ID;
    const positions: MessageId[] = [];
    const batches: Batch[] = [];
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      const written = this.#store.get(cursorTable, shard, follower.name);
      const position = written ?? this.#firstPosition(from, shard, endOf(shard));
      positions.push(position);
      if (written !== undefined) continue;
      const batch = createBatch(shard);
      put(batch, cursorTable, follower.name, position);
      batches.push(batch);
    }
    if (batches.length > 0) await this.#store.committedStep(batches);
    const run = new FollowerRun(
      {
        store: this.#store,
        ...this.#world,
        endOf,
        stopped: () => this.#runs.delete(run),
        failed,
      },
      follower,
      positions,
    );
    this.#runs.add(run);
    run.start();
    return run;
  }

  /** `messages` are one batch's: one shard's, in id order, durable. */
  announce(shard: number, messages: readonly StoredMessage[]): void {
    const last = messages.at(-1);
    if (last === undefined) return;
    this.#lastAnnounced[shard] = last.id;
    for (const listener of this.#listeners) listener(messages);
    if (this.#runs.size === 0) return;
    let bytes = 0;
    for (const message of messages) bytes += bytesOf(message);
    for (const run of this.#runs) run.announced(shard, messages, bytes);
  }

  /** A write has failed: what was announced is on disk, and followers go on from there. */
  reset(): void {
    for (const run of this.#runs) run.reset();
  }

  #firstPosition(from: FirstPosition, shard: number, end: MessageId): MessageId {
    if (from === "beginning") return NO_ID;
    return from === "now" ? end : (this.#store.get(cursorTable, shard, from.like) ?? end);
  }
}

function greater(a: MessageId | undefined, b: MessageId | undefined): MessageId | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareIds(a, b) < 0 ? b : a;
}
