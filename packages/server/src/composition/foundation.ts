/** What every part is built on: the configuration, the world, the log, and the store. */
import { databaseDirectory } from "../config/database-directory.ts";
import type { Config } from "../config/schema.ts";
import { rateOf, TokenBuckets } from "../messaging/token-buckets.ts";
import type { Log } from "../observe/log.ts";
import { Store } from "../store/store.ts";
import type { World } from "../world/world.ts";

export interface Foundation {
  readonly config: Config;
  readonly world: World;
  readonly log: Log;
  readonly store: Store;
  /** For what should never happen; the server goes on. */
  readonly failed: (error: unknown) => void;
}

/** Rejects with a `StoreOpenError`. */
export async function layFoundation({ config, world, log }: Omit<Foundation, "store" | "failed">): Promise<Foundation> {
  const { limits } = config;
  const store = await Store.open({
    world,
    directory: databaseDirectory(config),
    limits: {
      writeBytesMax: limits.commitWriteBytesMax,
      queueBytesMax: limits.commitQueueBytesMax,
      queueBatchesMax: limits.commitQueueBatchesMax,
    },
    keyFilterBytesMax: limits.keyFilterBytesMax,
    stateChanged: (because) => {
      if (because === null) log.info("the store takes writes again", { event: "store.writable" });
      else log.error("the store is read-only", { event: "store.read_only", because });
    },
  });
  const failed = (error: unknown): void => log.error("an internal error", { event: "internal_error", error });
  return { config, world, log, store, failed };
}

/** undefined: no limit. */
export function bucketsOf(
  { config, world }: Pick<Foundation, "config" | "world">,
  perSecond: number,
  burst: number,
): TokenBuckets | undefined {
  const rate = rateOf(perSecond, burst);
  return rate && new TokenBuckets(world.clock, { ...rate, countMax: config.limits.rateLimitKeysMax });
}
