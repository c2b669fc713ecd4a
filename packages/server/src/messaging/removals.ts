/**
 * Messages that no longer count, of channels that have such: today the expired ones. Heads say how many rows there are,
 * so a channel without any is never asked.
 */
import { shardOfChannel } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { removedTable } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { ChannelKey, Head } from "./message.ts";

export interface Removal {
  readonly seq: number;
  /** It had a red dot. */
  readonly isCounted: boolean;
  /** From this second on it is gone. */
  readonly goneAtSeconds: number;
}

/** How many messages of one reader's unread part are gone by now. */
export interface GoneCount {
  readonly counted: number;
  readonly all: number;
}

export const NONE_GONE: GoneCount = { counted: 0, all: 0 };
const PAGE_ROWS = 10_000;

export class Removals {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Of the messages after `seq` up to `head`. At once when there can be none: whoever has read all of a chat costs nothing. */
  goneAfter(channel: ChannelKey, seq: number, head: Head): GoneCount | Promise<GoneCount> {
    return head.removals === 0 || seq >= head.seq ? NONE_GONE : this.#count(channel, seq, head);
  }

  /** Page by page, so that a reader who is far behind costs time but no memory. */
  async #count(channel: ChannelKey, seq: number, head: Head): Promise<GoneCount> {
    const shard = shardOfChannel(channel);
    const to = removedTable.keyOf(shard, { channel, log: "chat", seq: head.seq + 1 });
    const nowSeconds = this.#clock.wallMs() / 1000;
    let counted = 0;
    let all = 0;
    for (let next = seq + 1; ; ) {
      const from = removedTable.keyOf(shard, { channel, log: "chat", seq: next });
      const page = await this.#store.range(removedTable, { from, to, reverse: false, limit: PAGE_ROWS });
      for (const removal of page) {
        if (removal.goneAtSeconds > nowSeconds) continue;
        all++;
        if (removal.isCounted) counted++;
      }
      const last = page.at(-1);
      if (last === undefined || last.seq >= head.seq) return { counted, all };
      next = last.seq + 1;
    }
  }
}
