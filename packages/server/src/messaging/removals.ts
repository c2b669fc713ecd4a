/**
 * Messages that no longer count, of channels that have such: today the expired ones. Heads say how many rows there are,
 * so a channel without any is never asked.
 */
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { channelRange, removedTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { ChannelKey, Head } from "./message.ts";

export interface Removal {
  readonly seq: number;
  /** It had a red dot. */
  readonly isCounted: boolean;
  /** From this second on it is gone. */
  readonly goneAtSeconds: number;
}

/** A reader who is behind by more of them is shown too many unread messages rather than none. */
const REMOVALS_MAX = 10_000;
const NONE: readonly Removal[] = [];

export class Removals {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Those that are gone by now, the newest first. At once when there can be none. */
  gone(channel: ChannelKey, head: Head): readonly Removal[] | Promise<readonly Removal[]> {
    return head.removals === 0 ? NONE : this.#read(channel);
  }

  async #read(channel: ChannelKey): Promise<readonly Removal[]> {
    const range = channelRange(removedTable, shardOfChannel(channel), channel);
    const removals = await this.#store.range(removedTable, { ...range, reverse: true, limit: REMOVALS_MAX });
    const nowSeconds = this.#clock.wallMs() / 1000;
    return removals.filter((removal) => removal.goneAtSeconds <= nowSeconds);
  }
}
