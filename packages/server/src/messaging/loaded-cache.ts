/**
 * Loaded objects by key, bounded by count and bytes, least recently used first. An object that is pinned, or has a batch
 * in flight, stays: while it is loaded it *is* the decided state, and a second copy would decide differently. Nothing is
 * evicted inside `get` or `set`, only in `trim`, so that what one synchronous step has gathered stays valid in it.
 */
import type { CacheStats } from "./cache-stats.ts";
import { LruMap } from "./lru-map.ts";

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
  readonly #entries = new LruMap<Value>();
  #bytes = 0;
  /** Bumped by the owner, who alone knows which look-ups would have to be loaded. */
  hits = 0;
  misses = 0;
  #evictions = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  stats(): CacheStats {
    const { hits, misses } = this;
    const { countMax, bytesMax } = this.#bounds;
    const evictions = this.#evictions;
    return { entries: this.#entries.size, countMax, bytes: this.#bytes, bytesMax, hits, misses, evictions };
  }

  get count(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Without marking it as used. */
  peek(key: string): Value | undefined {
    return this.#entries.peek(key);
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
    this.#bytes -= this.#entries.delete(key)?.bytes ?? 0;
  }

  /** Call when a step is over. Pinned ones are passed over, a bounded number of times, so the bounds may be exceeded by what is in use. */
  trim(): void {
    let tries = 64;
    while ((this.#entries.size > this.#bounds.countMax || this.#bytes > this.#bounds.bytesMax) && tries > 0) {
      const oldest = this.#entries.oldest();
      if (oldest === undefined) return;
      if (oldest.value.pins > 0) {
        this.#entries.get(oldest.key);
        tries--;
      } else {
        this.delete(oldest.key);
        this.#evictions++;
      }
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
