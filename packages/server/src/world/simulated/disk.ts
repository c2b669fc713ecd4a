/**
 * What outlives a crash: the rows of each data directory, and files. Which of the writes under way survive is decided when
 * the process dies or the engine fails; the new life finds them there.
 */
import type { Batch } from "../../store/batch.ts";

export class SimulatedDisk {
  readonly files: Map<string, Uint8Array> = new Map();
  /** Every write and every opening fails while it is. */
  isFull = false;
  readonly #directories: Map<string, SimulatedDirectory> = new Map();

  directory(path: string): SimulatedDirectory {
    let directory = this.#directories.get(path);
    if (directory === undefined) {
      directory = new SimulatedDirectory();
      this.#directories.set(path, directory);
    }
    return directory;
  }

  /** Locks go with the process that held them. */
  unlockAll(): void {
    for (const directory of this.#directories.values()) directory.isLocked = false;
  }
}

/** One directory's rows, in key order. Keys are kept as text of one character per byte: that orders as the bytes do. */
export class SimulatedDirectory {
  isLocked = false;
  readonly #rows: Map<string, Uint8Array> = new Map();
  readonly #keys: string[] = [];
  /** Reached the disk although their write was reported as failed; seen from the next opening on. */
  #unseen: (readonly Batch[])[] = [];

  apply(batches: readonly Batch[]): void {
    for (const { keys, values } of batches) {
      for (const [index, key] of keys.entries()) this.#set(textOf(key), values[index] ?? null);
    }
  }

  applyUnseen(batches: readonly Batch[]): void {
    this.#unseen.push(batches);
  }

  recover(): void {
    for (const batches of this.#unseen) this.apply(batches);
    this.#unseen = [];
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(textOf(key))?.slice();
  }

  /** The keys in [from, to), ascending. */
  keysBetween(from: Uint8Array, to: Uint8Array): readonly string[] {
    return this.#keys.slice(this.#indexOf(textOf(from)), this.#indexOf(textOf(to)));
  }

  entry(key: string): readonly [Uint8Array, Uint8Array] | undefined {
    const value = this.#rows.get(key);
    return value === undefined ? undefined : [new Uint8Array(Buffer.from(key, "latin1")), value.slice()];
  }

  #set(key: string, value: Uint8Array | null): void {
    const index = this.#indexOf(key);
    const isThere = this.#keys[index] === key;
    if (value === null) {
      if (isThere) this.#keys.splice(index, 1);
      this.#rows.delete(key);
      return;
    }
    if (!isThere) this.#keys.splice(index, 0, key);
    this.#rows.set(key, value.slice());
  }

  /** Where `key` is or would be. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
