/** Group commit, its bounds, and what a failed write leaves: against an engine whose writes end when the test says so. */
import { describe, expect, test } from "vitest";
import type { Timer, World } from "../world/world.ts";
import { type Batch, createBatch } from "./batch.ts";
import { type CommitLimits, Committer } from "./commit.ts";
import type { CommitFailure } from "./commit-failure.ts";
import type { Engine } from "./engine.ts";

const KEY = Uint8Array.of(1);

/** Names of batches travel as the only value. */
function named(name: string, bytes = 10): Batch {
  const batch = createBatch(0);
  batch.keys.push(KEY);
  batch.values.push(Buffer.from(name));
  batch.bytes = bytes;
  return batch;
}
function nameOf(batch: Batch): string {
  return Buffer.from(batch.values[0]!).toString();
}

class HeldEngine implements Engine {
  readonly writes: string[][] = [];
  isClosed = false;
  throwsAtOnce = false;
  #end: { resolve(): void; reject(error: Error): void } | undefined;

  get(): Uint8Array | undefined {
    if (this.isClosed) throw new Error("closed");
    return Buffer.from("from this engine");
  }
  async getMany(): Promise<undefined[]> {
    return [];
  }
  async range(): Promise<[]> {
    return [];
  }
  write(batches: readonly Batch[]): Promise<void> {
    if (this.throwsAtOnce) throw new Error("EIO at once");
    expect(this.#end, "one write at a time").toBeUndefined();
    this.writes.push(batches.map(nameOf));
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
    });
  }
  async end(error?: Error): Promise<void> {
    const end = this.#end;
    this.#end = undefined;
    if (error === undefined) end!.resolve();
    else end!.reject(error);
    await promisesRun();
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** Lets every promise that is settled already run to its end. */
function promisesRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Bench {
  readonly committer: Committer;
  readonly engines: HeldEngine[];
  /** What happened, in order. */
  readonly events: string[];
  readonly delaysMs: number[];
  readonly probes: number[];
  failOpen: Error | undefined;
  failProbe: Error | undefined;
  /** When set, opening waits for it. */
  openGate: Promise<void> | undefined;
  readonly engine: HeldEngine;
  commit(name: string, bytes?: number): void;
  /** The end of a turn of the event loop. */
  turn(): void;
  /** The next timer runs. */
  elapse(): Promise<void>;
  readonly timerCount: number;
}

function bench(limits: Partial<CommitLimits> = {}): Bench {
  const engines = [new HeldEngine()];
  const events: string[] = [];
  const delaysMs: number[] = [];
  const probes: number[] = [];
  let soon: (() => void)[] = [];
  let timers: { readonly run: () => void }[] = [];
  const world: Pick<World, "clock" | "timers" | "random" | "files" | "openEngine"> = {
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
    random: { bytes: (count) => new Uint8Array(count), uint32: () => 0 },
    timers: {
      soon: (run) => void soon.push(run),
      after(delayMs, run): Timer {
        const timer = { run };
        delaysMs.push(delayMs);
        timers.push(timer);
        return {
          cancel() {
            timers = timers.filter((other) => other !== timer);
          },
        };
      },
    },
    files: {
      read: () => Promise.resolve(undefined),
      async replace(_path, bytes) {
        probes.push(bytes.length);
        if (made.failProbe !== undefined) throw made.failProbe;
      },
    },
    async openEngine() {
      await made.openGate;
      if (made.failOpen !== undefined) throw made.failOpen;
      const engine = new HeldEngine();
      engines.push(engine);
      events.push("opened");
      return engine;
    },
  };
  const committer = new Committer(engines[0]!, {
    world: world as World, // The parts that a committer uses.
    directory: "db",
    limits: { writeBytesMax: 1_000, queueBytesMax: 10_000, queueBatchesMax: 100, ...limits },
    reset: () => events.push("reset"),
    stateChanged: (because) => events.push(because ?? "writable"),
  });
  const made: Bench = {
    committer,
    engines,
    events,
    delaysMs,
    probes,
    failOpen: undefined,
    failProbe: undefined,
    openGate: undefined,
    get engine() {
      return engines.at(-1)!;
    },
    commit: (name, bytes) => committer.commit([named(name, bytes)], (failure) => events.push(told(name, failure))),
    turn() {
      const due = soon;
      soon = [];
      for (const run of due) run();
    },
    async elapse() {
      const timer = timers.shift();
      expect(timer, "a timer is set").toBeDefined();
      timer!.run();
      await promisesRun();
    },
    get timerCount() {
      return timers.length;
    },
  };
  return made;
}

function told(name: string, failure: CommitFailure | null): string {
  return failure === null ? `${name} durable` : `${name} ${failure.outcome} ${failure.code}`;
}

const EIO = new Error("EIO: i/o error");

async function failed(held: Bench): Promise<void> {
  held.commit("lost");
  held.turn();
  await held.engine.end(EIO);
  held.events.length = 0;
}

describe("group commit", () => {
  test("what is handed over in one turn is one write, and nothing is settled before it ends", async () => {
    const held = bench();
    for (const name of ["a", "b", "c"]) held.commit(name);
    expect(held.engine.writes).toEqual([]);
    held.turn();
    expect(held.engine.writes).toEqual([["a", "b", "c"]]);
    await promisesRun();
    expect(held.events).toEqual([]);
    await held.engine.end();
    expect(held.events).toEqual(["a durable", "b durable", "c durable"]);
  });

  test("what comes during a write waits and is the next one", async () => {
    const held = bench();
    held.commit("a");
    held.turn();
    held.commit("b");
    held.commit("c");
    held.turn();
    expect(held.engine.writes).toEqual([["a"]]);
    await held.engine.end();
    expect(held.events).toEqual(["a durable"]);
    held.turn();
    expect(held.engine.writes).toEqual([["a"], ["b", "c"]]);
    await held.engine.end();
    expect(held.events).toEqual(["a durable", "b durable", "c durable"]);
  });

  test("what a settled caller hands over stands behind what waits already", async () => {
    const held = bench();
    held.committer.commit([named("a")], () => held.commit("after a"));
    held.turn();
    held.commit("b");
    await held.engine.end();
    held.turn();
    expect(held.engine.writes[1]).toEqual(["b", "after a"]);
  });

  test("a write takes as many batches as fit, in order, and one that is too large alone", async () => {
    const held = bench({ writeBytesMax: 100 });
    held.commit("a", 60);
    held.commit("b", 40);
    held.commit("c", 1);
    held.commit("huge", 5_000);
    held.commit("d", 1);
    for (let write = 0; write < 4; write++) {
      held.turn();
      await held.engine.end();
    }
    expect(held.engine.writes).toEqual([["a", "b"], ["c"], ["huge"], ["d"]]);
  });

  test("what was handed over together is one write, however much it is", async () => {
    const held = bench({ writeBytesMax: 100 });
    held.commit("a", 60);
    held.committer.commit([named("b", 60), named("c", 60)], (failure) => held.events.push(told("b and c", failure)));
    held.commit("d", 40);
    for (let write = 0; write < 3; write++) {
      held.turn();
      await held.engine.end();
    }
    expect(held.engine.writes).toEqual([["a"], ["b", "c"], ["d"]]);
    expect(held.events).toEqual(["a durable", "b and c durable", "d durable"]);
  });

  test("a caller that throws when it is told hurts neither the others nor the next write", async () => {
    const unseen: unknown[] = [];
    const note = (error: unknown): void => void unseen.push(error);
    const listeners = process.rawListeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", note);
    const held = bench();
    const broken = new Error("a bug");
    held.committer.commit([named("a")], () => {
      throw broken;
    });
    held.commit("b");
    held.turn();
    held.commit("c");
    await held.engine.end();
    held.turn();
    await held.engine.end();
    process.off("unhandledRejection", note);
    for (const listener of listeners) process.on("unhandledRejection", listener as (error: unknown) => void);
    expect(held.events).toEqual(["b durable", "c durable"]);
    expect(unseen).toEqual([broken]);
  });

  test("a full queue is said before anything is handed over, by bytes and by count, and heals by itself", async () => {
    for (const limits of [{ queueBytesMax: 20 }, { queueBatchesMax: 2 }]) {
      const held = bench(limits);
      held.commit("a");
      expect(held.committer.refusal()).toBeNull();
      held.turn();
      held.commit("b");
      expect(held.committer.refusal()).toMatchObject({ outcome: "refused", code: "overloaded" });
      await held.engine.end();
      expect(held.committer.refusal()).toBeNull();
    }
  });
});

describe("a failed write", () => {
  test("fails what was in flight as unknown and what waited as refused, in order, after everything loaded was dropped", async () => {
    const held = bench();
    held.commit("a");
    held.commit("b");
    held.turn();
    held.commit("c");
    await held.engine.end(EIO);
    expect(held.events).toEqual([
      "the store failed to write: EIO: i/o error",
      "reset",
      "a unknown store_failed",
      "b unknown store_failed",
      "c refused store_failed",
    ]);
    expect(held.committer.state).toBe("reopening");
  });

  test("is the same when the engine throws instead of rejecting", async () => {
    const held = bench();
    held.engine.throwsAtOnce = true;
    held.commit("a");
    held.turn();
    await promisesRun();
    expect(held.events).toEqual(["the store failed to write: EIO at once", "reset", "a unknown store_failed"]);
  });

  test("never writes again on the same handle: a batch is refused at once and by admission, with the reason", async () => {
    const held = bench();
    await failed(held);
    held.commit("late");
    expect(held.events).toEqual(["late refused read_only"]);
    expect(held.committer.refusal()).toMatchObject({ code: "read_only", cause: held.committer.readOnlyBecause });
    expect(held.committer.readOnlyBecause).toContain("EIO");
    held.turn();
    expect(held.engine.writes).toEqual([["lost"]]);
  });

  test("a batch handed over by a caller that was just told of the failure is refused too", async () => {
    const held = bench();
    held.committer.commit([named("a")], () => held.commit("again"));
    held.turn();
    await held.engine.end(EIO);
    expect(held.events.at(-1)).toBe("again refused read_only");
  });

  test("reads go on from the old handle until there is room to open it again", async () => {
    const held = bench();
    await failed(held);
    held.failProbe = new Error("ENOSPC: no space left on device");
    await held.elapse();
    await held.elapse();
    expect(held.engines).toHaveLength(1);
    expect(held.committer.engine.get(KEY)).toBeDefined();
    expect(held.committer.readOnlyBecause).toContain("ENOSPC");
    held.failProbe = undefined;
    await held.elapse();
    expect(held.engines).toHaveLength(2);
    expect(held.engines[0]!.isClosed).toBe(true);
    expect(held.committer.state).toBe("open");
  });

  test("opens again, drops what was loaded meanwhile, says so and writes", async () => {
    const held = bench();
    await failed(held);
    await held.elapse();
    expect(held.events).toEqual(["opened", "reset", "writable"]);
    expect(held.committer.readOnlyBecause).toBeNull();
    expect(held.committer.refusal()).toBeNull();
    held.commit("new");
    held.turn();
    await held.engine.end();
    expect(held.events.at(-1)).toBe("new durable");
    expect(held.engines.map((engine) => engine.writes)).toEqual([[["lost"]], [["new"]]]);
  });

  test("is tried again later and later, up to some seconds, and stays read-only until it opens", async () => {
    const held = bench();
    await failed(held);
    held.failOpen = new Error("still broken");
    for (let attempt = 0; attempt < 10; attempt++) {
      await held.elapse();
      expect(held.committer.state).toBe("reopening");
      expect(held.committer.readOnlyBecause).toContain("still broken");
    }
    expect(held.delaysMs).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000, 5_000]);
    held.failOpen = undefined;
    await held.elapse();
    expect(held.committer.state).toBe("open");
    await failed(held);
    expect(held.delaysMs.at(-1), "a new failure begins anew").toBe(100);
  });

  test("before the old handle is given up, there must be room for what its log may hold", async () => {
    const held = bench({ queueBytesMax: 1e9, writeBytesMax: 1e9 });
    held.commit("much", 5_000_000);
    held.turn();
    await held.engine.end(EIO);
    await held.elapse();
    expect(held.probes).toEqual([5_000_000, 0]);
    held.probes.length = 0;
    await failed(held);
    await held.elapse();
    expect(held.probes, "a new engine begins with an empty log").toEqual([1 << 20, 0]);
  });

  test("counts no bytes of what failed", async () => {
    const held = bench({ queueBytesMax: 20, queueBatchesMax: 2 });
    held.commit("a");
    held.turn();
    held.commit("b");
    await held.engine.end(EIO);
    await held.elapse();
    expect(held.committer.refusal()).toBeNull();
    await held.committer.idle();
  });
});

describe("close", () => {
  test("waits for what was handed over, and for what is handed over while it waits", async () => {
    const held = bench();
    held.commit("a");
    void held.committer.idle().then(() => held.commit("b"));
    const closed = held.committer.close();
    held.turn();
    await held.engine.end();
    held.turn();
    expect(held.engine.isClosed).toBe(false);
    await held.engine.end();
    await closed;
    expect(held.events).toEqual(["a durable", "b durable"]);
    expect(held.engine.isClosed).toBe(true);
  });

  test("refuses what comes after it, and there is nothing to read", async () => {
    const held = bench();
    await held.committer.close();
    held.commit("late");
    expect(held.events).toEqual(["late refused read_only"]);
    expect(() => held.committer.engine).toThrow();
  });

  test("during a reopening it leaves no timer and no open engine", async () => {
    const held = bench();
    await failed(held);
    await held.committer.close();
    expect(held.timerCount).toBe(0);
    expect(held.engine.isClosed).toBe(true);

    const opening = bench();
    await failed(opening);
    let open: () => void = () => undefined;
    opening.openGate = new Promise((resolve) => {
      open = resolve;
    });
    await opening.elapse();
    const closed = opening.committer.close();
    await promisesRun();
    open();
    await closed;
    expect(opening.engines.map((engine) => engine.isClosed)).toEqual([true, true]);
    expect(opening.committer.state).toBe("closed");
    expect(opening.timerCount).toBe(0);
  });
});

test("writes, failures and reopenings are counted, and what waits is told", async () => {
  const held = bench();
  for (const name of ["a", "b", "c"]) held.commit(name, 10);
  held.turn();
  held.commit("d", 10);
  expect(held.committer.stats()).toMatchObject({ batches: 4, writes: 0 });
  expect(held.committer.stats().bytes).toBeGreaterThan(0);
  await held.engine.end();
  const first = held.committer.stats();
  expect(first).toMatchObject({ batches: 1, writes: 1, failedWrites: 0, reopens: 0 });
  expect(first.batchesPerWrite.sum).toBe(3);
  expect(first.bytesPerWrite.sum).toBe(first.writtenBytes);
  held.turn();
  await held.engine.end(EIO);
  await held.elapse();
  expect(held.committer.stats()).toMatchObject({ batches: 0, bytes: 0, writes: 1, failedWrites: 1, reopens: 1 });
  expect(held.committer.stats().writeSeconds.counts.reduce((sum, count) => sum + count, 0)).toBe(1);
});
