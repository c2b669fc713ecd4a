/** Reads the keys that were on the disk at start into a `KeyFilter`, shard by shard, a page at a time beside other work. */
import type { Timer, Timers } from "../world/world.ts";
import { StoreUnavailable } from "./commit-failure.ts";
import type { KeyRange } from "./engine.ts";
import type { KeyFilter } from "./key-filter.ts";

export interface FilterFillDeps {
  readonly timers: Pick<Timers, "after">;
  readonly filter: KeyFilter;
  readonly shardCount: number;
  /** What of a shard belongs into the filter. */
  readonly rangesOf: (shard: number) => readonly Pick<KeyRange, "from" | "to">[];
  /** At most so many rows. */
  readonly readPage: (range: Pick<KeyRange, "from" | "to">, limit: number) => Promise<FilterPage>;
}

export interface FilterPage {
  readonly keys: readonly Uint8Array[];
  /** Of the last row; undefined: there was none. A page may bring fewer rows than asked for, so only an empty one is the end. */
  readonly goesOnAfter: Uint8Array | undefined;
}

/** About a millisecond of work. */
const PAGE_ROWS = 1000;
const PAUSE_MS = 1;
/** Until the store can be read again. */
const RETRY_MS = 1000;

export class FilterFill {
  readonly #deps: FilterFillDeps;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: FilterFillDeps) {
    this.#deps = deps;
  }

  /** Resolves when all is read, or after `stop`. Never rejects. */
  async run(): Promise<void> {
    for (let shard = 0; shard < this.#deps.shardCount && !this.#isStopped; shard++) {
      try {
        await this.#fill(shard);
      } catch {
        // A row that cannot be decoded: whoever needs it will say so. Here the shard goes on saying "perhaps".
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#wake?.();
  }

  async #fill(shard: number): Promise<void> {
    const { filter, rangesOf } = this.#deps;
    for (const range of rangesOf(shard)) await this.#read(shard, range);
    if (!this.#isStopped) filter.complete(shard);
  }

  async #read(shard: number, range: Pick<KeyRange, "from" | "to">): Promise<void> {
    let { from } = range;
    while (!this.#isStopped && !this.#deps.filter.isOff(shard)) {
      const page = await this.#page({ from, to: range.to });
      if (page === undefined) continue;
      for (const key of page.keys) this.#deps.filter.add(shard, key);
      if (page.goesOnAfter === undefined) return;
      from = Buffer.concat([page.goesOnAfter, new Uint8Array(1)]);
      if (page.keys.length >= PAGE_ROWS) await this.#pause(PAUSE_MS);
    }
  }

  /** undefined: not now. */
  async #page(range: Pick<KeyRange, "from" | "to">): Promise<FilterPage | undefined> {
    try {
      return await this.#deps.readPage(range, PAGE_ROWS);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await this.#pause(RETRY_MS);
      return undefined;
    }
  }

  #pause(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = this.#deps.timers.after(delayMs, resolve);
    });
  }
}
