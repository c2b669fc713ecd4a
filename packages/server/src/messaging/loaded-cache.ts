/**
 * Loaded objects by key, bounded by count and bytes, least recently used first. An object that is pinned, or has a batch
 * in flight, stays: while it is loaded it *is* the decided state, and a second copy would decide differently. Nothing is
 * evicted inside `get` or `set`, only in `trim`, so that what one synchronous step has gathered stays valid in it.
 */
export interface Evictable {
  /** Batches in flight, waiting loads, walks over the object. */
  pins: number;
  /** Estimated memory; who changes it tells the cache with `grew`. */
  bytes: number;
}

export interface CacheBounds {
  readonly countMax: number;
  readonly bytesMax: number;
}

export class LoadedCache<Value extends Evictable> {
  readonly #bounds: CacheBounds;
  readonly #entries = new Map<string, Value>();
  #bytes = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    // Only a cache that is at least half full needs an order of use.
    if (value !== undefined && this.#entries.size * 2 > this.#bounds.countMax) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  /** Without marking it as used. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#entries.set(key, value);
    this.#bytes += value.bytes;
  }

  /** The object's estimate has changed by so much since `set`. */
  grew(bytes: number): void {
    this.#bytes += bytes;
  }

  delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= value.bytes;
  }

  /** Call when a step is over. Pinned ones are passed over, a bounded number of times, so the bounds may be exceeded by what is in use. */
  trim(): void {
    let tries = 64;
    while ((this.#entries.size > this.#bounds.countMax || this.#bytes > this.#bounds.bytesMax) && tries > 0) {
      const oldest = this.#entries.entries().next().value;
      if (oldest === undefined) return;
      const [key, value] = oldest;
      this.#entries.delete(key);
      if (value.pins > 0) {
        this.#entries.set(key, value);
        tries--;
      } else {
        this.#bytes -= value.bytes;
      }
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
