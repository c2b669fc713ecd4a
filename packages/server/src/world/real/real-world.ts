/** The world as it is: the machine's clock, sockets, files and disk. Composes the parts of this folder, nothing else. */
import type { World } from "../world.ts";
import { realClock } from "./clock.ts";
import { createFiles } from "./files.ts";
import { createHttpServing } from "./http-serving.ts";
import { type LevelOptions, openLevelEngine } from "./level-engine.ts";
import { createNetwork } from "./network.ts";
import { createRandom } from "./random.ts";
import { realTimers } from "./timers.ts";

export interface RealWorldOptions {
  /** What the engine keeps in memory before it sorts it into a table file; up to two of these at a time. */
  readonly writeBufferBytes?: number;
  /** Uncompressed blocks of table files kept in memory. */
  readonly blockCacheBytes?: number;
}

const DEFAULT_LEVEL: LevelOptions = { writeBufferBytes: 32 * 1024 * 1024, blockCacheBytes: 64 * 1024 * 1024 };

export function createRealWorld(options: RealWorldOptions = {}): World {
  const level: LevelOptions = {
    writeBufferBytes: options.writeBufferBytes ?? DEFAULT_LEVEL.writeBufferBytes,
    blockCacheBytes: options.blockCacheBytes ?? DEFAULT_LEVEL.blockCacheBytes,
  };
  return {
    clock: realClock,
    timers: realTimers,
    random: createRandom(),
    network: createNetwork(realTimers),
    http: createHttpServing(realTimers),
    files: createFiles(),
    openEngine: (directory) => openLevelEngine(directory, level),
  };
}
