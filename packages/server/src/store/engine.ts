/**
 * An ordered map of bytes on a disk: LevelDB in `world/real`, a sorted map in `world/simulated`. Both pass one suite
 * (`engine-suite.ts`). The engine knows neither shards nor tables.
 */
import type { Batch } from "./batch.ts";

export interface Engine {
  /** Durable rows only, at once. */
  get(key: Uint8Array): Uint8Array | undefined;
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Entries of one point in time, ascending (descending with `reverse`), cut by `limit` and `bytesMax`: at least one entry comes if there is one. */
  range(range: KeyRange): Promise<Entry[]>;
  /**
   * All or nothing, in order, synced when it resolves; a read may see it a moment before that, never before it is durable.
   * There is no option to skip the sync. After a rejection the outcome is unknown and the engine is dead: every further
   * write rejects, reads go on answering what was acknowledged, until it is closed and opened again.
   */
  write(batches: readonly Batch[]): Promise<void>;
  close(): Promise<void>;
}

/** `from` is included, `to` is not; the same for `reverse`. */
export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly reverse: boolean;
  readonly limit: number;
  readonly bytesMax: number;
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** Why a data directory cannot be opened. `message` is one line for the operator. */
export class StoreOpenError extends Error {
  readonly code: "locked" | "unreadable" | "newer_format" | "corrupt";
  constructor(code: StoreOpenError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreOpenError";
    this.code = code;
  }
}
