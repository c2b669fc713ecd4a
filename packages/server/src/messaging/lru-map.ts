/**
 * A map that knows which entry was used longest ago, at a cost that does not depend on how many there are. A plain Map
 * keeps an order too, if entries are deleted and set again, but finding its first one walks over all that were deleted
 * before it.
 */
interface Entry<Value> {
  readonly key: string;
  value: Value;
  /** Used before, used after. */
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
}

export class LruMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  #oldest: Entry<Value> | undefined;
  #newest: Entry<Value> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** Marks it as used. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry.value;
  }

  /** Without marking it as used. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** It is the one used last. */
  set(key: string, value: Value): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.get(key);
      return;
    }
    const entry: Entry<Value> = { key, value, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#link(entry);
  }

  delete(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#unlink(entry);
    return entry.value;
  }

  /** The one used longest ago. */
  oldest(): { readonly key: string; readonly value: Value } | undefined {
    return this.#oldest;
  }

  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  #link(entry: Entry<Value>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry<Value>): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    // A dead entry that has grown old would keep all that came after it from the collector's young generation.
    entry.older = undefined;
    entry.newer = undefined;
  }
}
