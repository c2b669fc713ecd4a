/**
 * How far the shards of a follower lag when nobody has watched: the ids behind their cursors are read beside other work.
 * What is announced from then on counts itself.
 */
import type { MessageId } from "../messaging/message.ts";
import { StoreUnavailable } from "./commit-failure.ts";
import { countIds, type ReadableStore } from "./feed-page.ts";
import type { FollowedShard } from "./followed-shard.ts";
import type { Pauses } from "./pauses.ts";

export interface LagCountDeps {
  readonly store: ReadableStore;
  readonly pauses: Pauses;
  /** The last durable message of a shard. */
  endOf(shard: number): MessageId;
  readonly failed: (error: unknown) => void;
}

const PAUSE_MS = 1;
/** Until the store can be read again. */
const UNREADABLE_PAUSE_MS = 1000;

export class LagCount {
  readonly #deps: LagCountDeps;
  readonly #shards: readonly FollowedShard[];
  #isCounting = false;
  #isStopped = false;

  constructor(deps: LagCountDeps, shards: readonly FollowedShard[]) {
    this.#deps = deps;
    this.#shards = shards;
  }

  begin(shard: FollowedShard): void {
    shard.lag = 0;
    shard.oldest = undefined;
    shard.uncounted = { after: shard.position, last: this.#deps.endOf(shard.shard) };
    if (!this.#isCounting) void this.#countAll();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Shard by shard, a page at a time. Never rejects. */
  async #countAll(): Promise<void> {
    this.#isCounting = true;
    while (!this.#isStopped) {
      const shard = this.#shards.find(({ uncounted }) => uncounted !== undefined);
      if (shard === undefined) break;
      await this.#countPage(shard);
    }
    this.#isCounting = false;
  }

  async #countPage(shard: FollowedShard): Promise<void> {
    const { store, pauses, failed } = this.#deps;
    const { uncounted } = shard;
    if (uncounted === undefined) return;
    try {
      const { count, first, goesOnAfter } = await countIds(store, shard.shard, uncounted.after, uncounted.last);
      // It has caught up or was set back meanwhile.
      if (shard.uncounted !== uncounted) return;
      shard.lag += count;
      shard.oldest ??= first;
      shard.uncounted = goesOnAfter === undefined ? undefined : { after: goesOnAfter, last: uncounted.last };
      if (goesOnAfter !== undefined) await pauses.pause(PAUSE_MS);
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        await pauses.pause(UNREADABLE_PAUSE_MS);
        return;
      }
      failed(error);
      shard.uncounted = undefined;
    }
  }
}
