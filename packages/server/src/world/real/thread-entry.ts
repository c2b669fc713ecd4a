/** Where a thread begins: it gets its part of the world and runs the program that it was started for. */
import { parentPort, workerData } from "node:worker_threads";
import type { ThreadPort, ThreadProgram } from "../world.ts";
import { realClock } from "./clock.ts";
import { createNetwork } from "./network.ts";
import { createRandom } from "./random.ts";
import type { ThreadData } from "./threads.ts";
import { realTimers } from "./timers.ts";

if (parentPort === null) throw new Error("this module is started as a thread");
const parent = parentPort;
const port: ThreadPort = {
  post: (message, buffers = []) => parent.postMessage(message, buffers),
  bind: (receive) => void parent.on("message", receive),
};
const { program, data }: ThreadData = workerData;
const { runInThread }: { readonly runInThread: ThreadProgram } = await import(program);
runInThread(
  { clock: realClock, timers: realTimers, random: createRandom(), network: createNetwork(realTimers) },
  port,
  data,
);
