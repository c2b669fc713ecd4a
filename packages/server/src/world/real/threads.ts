/** Worker threads, where the system lets several of them listen at one address and gives each its share of connections. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Thread, ThreadEvents, Threads } from "../world.ts";

export interface ThreadData {
  readonly program: string;
  readonly data: unknown;
}

/** Elsewhere such a listener is refused, or one of them gets all connections. */
const SHARING_PLATFORMS: readonly string[] = ["linux", "freebsd", "dragonfly", "sunos", "aix"];

const IS_SOURCE = import.meta.url.endsWith(".ts");
const ENTRY = new URL(IS_SOURCE ? "./thread-entry.ts" : "./thread-entry.js", import.meta.url);

export function createThreads(): Threads | undefined {
  if (!SHARING_PLATFORMS.includes(process.platform)) return undefined;
  return {
    cores: availableParallelism(),
    start: (program, data, events) => new WorkerThread({ program: program.href, data }, events),
  };
}

class WorkerThread implements Thread {
  readonly #worker: Worker;
  #isToldToEnd = false;

  constructor(workerData: ThreadData, events: ThreadEvents) {
    // The sources import each other's packages as sources; a thread does not inherit how the program arranged that.
    this.#worker = new Worker(ENTRY, { workerData, ...(IS_SOURCE ? { execArgv: ["--conditions=source"] } : {}) });
    let failure: unknown;
    this.#worker.on("message", (message) => events.message(message));
    this.#worker.on("messageerror", (error) => {
      failure ??= error;
      void this.#worker.terminate();
    });
    this.#worker.on("error", (error) => {
      failure ??= error;
    });
    this.#worker.on("exit", (code) => {
      if (this.#isToldToEnd) events.ended(undefined);
      else events.ended(failure ?? new Error(`the thread ended by itself with ${code}`));
    });
  }

  post(message: unknown, buffers: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, buffers);
  }

  end(): void {
    this.#isToldToEnd = true;
    void this.#worker.terminate();
  }
}
