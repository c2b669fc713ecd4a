/** An engine without a disk, so that what is measured above it is the server's own work. */
import type { Batch } from "../src/store/batch.ts";
import type { Engine, Entry, KeyRange } from "../src/store/engine.ts";

export class MemoryEngine implements Engine {
  readonly #rows = new Map<string, Uint8Array>();

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(text(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.get(key)));
  }

  /** Sorts everything: only for what is read once. */
  range(range: KeyRange): Promise<Entry[]> {
    const [from, to] = [text(range.from), text(range.to)];
    const keys = [...this.#rows.keys()].filter((key) => key >= from && key < to).sort();
    if (range.reverse) keys.reverse();
    return Promise.resolve(
      keys.slice(0, range.limit).map((key) => [Buffer.from(key, "latin1"), this.#rows.get(key)!] as const),
    );
  }

  write(batches: readonly Batch[]): Promise<void> {
    for (const { keys, values } of batches) {
      for (const [index, key] of keys.entries()) {
        const value = values[index];
        if (value === null || value === undefined) this.#rows.delete(text(key));
        else this.#rows.set(text(key), value);
      }
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function text(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
