/** The world as it is: the machine's clock, sockets, files and disk. Composes the parts of this folder, nothing else. */
import type { Engine } from "../../store/engine.ts";
import type { World } from "../world.ts";
import { realClock } from "./clock.ts";
import { createFiles } from "./files.ts";
import { createGrpcCalling } from "./grpc-calling.ts";
import { createHttpCalling } from "./http-calling.ts";
import { createHttpServing } from "./http-serving.ts";
import { LEVEL_DEFAULTS, type LevelOptions, openLevelEngine } from "./level-engine.ts";
import { createNetwork } from "./network.ts";
import { processUsage } from "./process-usage.ts";
import { createRandom } from "./random.ts";
import { createRuntime } from "./runtime.ts";
import { createThreads } from "./threads.ts";
import { realTimers } from "./timers.ts";

export interface RealWorldOptions {
  readonly level?: LevelOptions;
  /** The first engine that is asked for, if somebody has begun to open it before there was a world. */
  readonly opening?: Promise<Engine>;
}

export function createRealWorld(options: RealWorldOptions = {}): World {
  const { level = LEVEL_DEFAULTS } = options;
  let { opening } = options;
  const threads = createThreads();
  return {
    clock: realClock,
    timers: realTimers,
    random: createRandom(),
    network: createNetwork(realTimers),
    http: { ...createHttpServing(realTimers), ...createHttpCalling(realTimers) },
    grpc: createGrpcCalling(realTimers),
    files: createFiles(),
    processUsage,
    runtime: createRuntime(),
    ...(threads === undefined ? {} : { threads }),
    openEngine(directory) {
      const engine = opening ?? openLevelEngine(directory, level);
      opening = undefined;
      return engine;
    },
  };
}
