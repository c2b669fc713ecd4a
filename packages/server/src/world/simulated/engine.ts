/**
 * The engine of the simulation. A write takes a random time, is all there or not there, and may be seen a moment before its
 * promise settles, as with the real one. When the process dies, writes under way survive as a prefix; when a write fails,
 * it and those behind it do, unseen until the directory is opened again. Promises of a dead process never settle.
 */
import type { Batch } from "../../store/batch.ts";
import { type Engine, type Entry, type KeyRange, StoreOpenError } from "../../store/engine.ts";
import type { SimulatedDirectory, SimulatedDisk } from "./disk.ts";
import type { EventLoop, Owner } from "./event-loop.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface EngineFaults {
  readonly writeDelayMs: number;
  readonly readDelayMs: number;
  /** Of each write: it fails, and whether it reached the disk is unknown. */
  writeFailureChance: number;
  /** So many of the next writes fail for sure. */
  failingWrites: number;
}

export interface EngineSurroundings {
  readonly loop: EventLoop;
  readonly owner: Owner;
  readonly random: SeededRandom;
  readonly disk: SimulatedDisk;
  readonly faults: EngineFaults;
}

interface PendingWrite {
  readonly batches: readonly Batch[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function openSimulatedEngine(path: string, around: EngineSurroundings): Promise<SimulatedEngine> {
  return new Promise((resolve, reject) => {
    around.loop.after(around.random.delayMs(around.faults.readDelayMs), "engine open", around.owner, () => {
      const directory = around.disk.directory(path);
      if (directory.isLocked) {
        reject(new StoreOpenError("locked", `the data directory ${path} is in use by another process`));
      } else if (around.disk.isFull) {
        reject(new StoreOpenError("unreadable", `the data directory ${path} cannot be used: no space left on device`));
      } else {
        directory.isLocked = true;
        directory.recover();
        resolve(new SimulatedEngine(directory, around));
      }
    });
  });
}

export class SimulatedEngine implements Engine {
  readonly #directory: SimulatedDirectory;
  readonly #around: EngineSurroundings;
  #pending: PendingWrite[] = [];
  #state: "open" | "dead" | "closing" | "closed" = "open";
  #isWriting = false;
  /** On the disk, its promise not settled yet. */
  #applied: PendingWrite | undefined;
  #whenWritten: (() => void) | undefined;

  constructor(directory: SimulatedDirectory, around: EngineSurroundings) {
    this.#directory = directory;
    this.#around = around;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#directory.get(key);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#assertOpen();
    const asked = keys.map((key) => key.slice());
    return this.#read("engine getMany", () => asked.map((key) => this.#directory.get(key)));
  }

  async range(range: KeyRange): Promise<Entry[]> {
    this.#assertOpen();
    return this.#read("engine range", () => this.#rangeNow(range));
  }

  write(batches: readonly Batch[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state !== "open") {
        reject(new Error(this.#state === "dead" ? "engine is dead" : "engine is closed"));
        return;
      }
      // As the real one, it takes the bytes now: what the caller does to them later is not written.
      this.#pending.push({ batches: batches.map(copyOf), resolve, reject });
      this.#writeNext();
    });
  }

  /** Waits for the writes under way. Harmless when repeated. */
  async close(): Promise<void> {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    if (this.#pending.length > 0 || this.#applied !== undefined) {
      await new Promise<void>((resolve) => {
        this.#whenWritten = resolve;
      });
    }
    this.#state = "closed";
    if (this.#around.owner.isAlive) this.#directory.isLocked = false;
  }

  /** The process dies: the disk keeps the first few writes, whole. */
  crash(): void {
    this.#keepPrefix();
    this.#pending = [];
  }

  /** From now on every write fails until the directory is opened again. */
  fail(): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") this.#state = "dead";
    this.#keepPrefix();
    const failed = this.#pending;
    this.#pending = [];
    for (const write of failed) write.reject(new Error("the simulated disk failed"));
    if (this.#applied === undefined) this.#whenWritten?.();
  }

  #writeNext(): void {
    if (this.#isWriting || this.#pending.length === 0) return;
    this.#isWriting = true;
    const { loop, owner, random, faults } = this.#around;
    loop.after(random.delayMs(faults.writeDelayMs), "engine write", owner, () => {
      const write = this.#pending[0];
      if (write === undefined) {
        this.#isWriting = false;
      } else if (this.#isFailing()) {
        this.#isWriting = false;
        this.fail();
      } else {
        this.#pending.shift();
        this.#applied = write;
        this.#directory.apply(write.batches);
        loop.after(0, "engine written", owner, () => this.#settle(write));
      }
    });
  }

  #settle(write: PendingWrite): void {
    this.#isWriting = false;
    this.#applied = undefined;
    write.resolve();
    if (this.#pending.length > 0) this.#writeNext();
    else this.#whenWritten?.();
  }

  #isFailing(): boolean {
    const { disk, faults, random } = this.#around;
    if (faults.failingWrites > 0) {
      faults.failingWrites -= 1;
      return true;
    }
    return disk.isFull || random.chance(faults.writeFailureChance);
  }

  #keepPrefix(): void {
    const kept = this.#around.random.below(this.#pending.length + 1);
    for (const write of this.#pending.slice(0, kept)) this.#directory.applyUnseen(write.batches);
  }

  /** The moment that is read lies anywhere between the question and the answer. */
  #read<Answer>(kind: string, read: () => Answer): Promise<Answer> {
    const { loop, owner, random, faults } = this.#around;
    const early = random.chance(0.5) ? { answer: read() } : undefined;
    return new Promise((resolve, reject) => {
      loop.after(random.delayMs(faults.readDelayMs), kind, owner, () => {
        if (this.#state === "closed") reject(new Error("engine is closed"));
        else resolve(early === undefined ? read() : early.answer);
      });
    });
  }

  #rangeNow(range: KeyRange): Entry[] {
    const keys = this.#directory.keysBetween(range.from, range.to);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = 0; index < keys.length && entries.length < range.limit; index += 1) {
      const entry = this.#directory.entry(keys[range.reverse ? keys.length - 1 - index : index] ?? "");
      if (entry === undefined) continue;
      bytes += entry[0].length + entry[1].length;
      if (bytes > range.bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  #assertOpen(): void {
    if (this.#state === "closing" || this.#state === "closed") throw new Error("engine is closed");
  }
}

function copyOf(batch: Batch): Batch {
  return {
    ...batch,
    keys: batch.keys.map((key) => key.slice()),
    values: batch.values.map((value) => value?.slice() ?? null),
  };
}
