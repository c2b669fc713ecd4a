/** Writes how far a follower has come: for all shards together and seldom, so that no message costs a write of its own. */
import { compareIds } from "../messaging/ids.ts";
import type { MessageId } from "../messaging/message.ts";
import type { Timer, Timers } from "../world/world.ts";
import { type Batch, createBatch, put } from "./batch.ts";
import type { FollowedShard } from "./followed-shard.ts";
import type { Store } from "./store.ts";
import { cursorTable } from "./tables.ts";

/** After a crash so much is handled again at most. */
const WRITE_MS = 1000;

export class FollowerCursors {
  readonly #name: string;
  readonly #store: Pick<Store, "commitStep" | "committedStep">;
  readonly #timers: Pick<Timers, "after">;
  readonly #shards: readonly FollowedShard[];
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(
    name: string,
    store: Pick<Store, "commitStep" | "committedStep">,
    timers: Pick<Timers, "after">,
    shards: readonly FollowedShard[],
  ) {
    this.#name = name;
    this.#store = store;
    this.#timers = timers;
    this.#shards = shards;
  }

  /** A shard has come further. */
  moved(): void {
    if (this.#isStopped) return;
    this.#timer ??= this.#timers.after(WRITE_MS, () => {
      this.#timer = undefined;
      this.#write();
    });
  }

  /** Resolves when it is durable that these stand at `target`. Rejects with `StoreUnavailable`. */
  async setBack(shards: readonly FollowedShard[], target: MessageId): Promise<void> {
    if (shards.length === 0) return;
    await this.#store.committedStep(shards.map(({ shard }) => this.#batch(shard, target)));
    // Before it was durable a shard may have come further, and may have said so.
    for (const shard of shards) shard.written = target;
    this.moved();
  }

  /** The last write; what it cannot write is handled again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    const batches = this.#unwritten().map(({ shard, position }) => this.#batch(shard, position));
    if (batches.length > 0) await this.#store.committedStep(batches).catch(() => undefined);
  }

  #write(): void {
    const shards = this.#unwritten();
    if (shards.length === 0) return;
    const positions = shards.map(({ position }) => position);
    const batches = shards.map(({ shard, position }) => this.#batch(shard, position));
    this.#store.commitStep(batches, (failure) => {
      if (failure !== null) this.moved();
      else for (const [index, shard] of shards.entries()) shard.written = positions[index]!;
    });
  }

  /** Without those that are being set back: that is written at once. */
  #unwritten(): readonly FollowedShard[] {
    return this.#shards.filter(
      ({ goBackTo, written, position }) => goBackTo === undefined && compareIds(written, position) !== 0,
    );
  }

  #batch(shard: number, position: MessageId): Batch {
    const batch = createBatch(shard);
    put(batch, cursorTable, this.#name, position);
    return batch;
  }
}
