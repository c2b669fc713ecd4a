/** The order page 1 of a chat list had, kept for the pages after it: keys only, for two minutes, a bounded number. */
import type { Clock } from "../world/world.ts";
import type { CacheStats } from "./cache-stats.ts";
import type { ChatListRequest } from "./chat-list.ts";
import type { CacheBounds } from "./loaded-cache.ts";
import { LruMap } from "./lru-map.ts";

const KEPT_MS = 120_000;
const KEY_COST_BYTES = 40;

interface Order {
  readonly keys: readonly string[];
  readonly bytes: number;
  readonly untilMs: number;
}

export class PageOrders {
  readonly #clock: Clock;
  readonly #bounds: CacheBounds;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  readonly #orders = new LruMap<Order>();

  constructor(clock: Clock, bounds: CacheBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  stats(): CacheStats {
    const { countMax, bytesMax } = this.#bounds;
    return {
      entries: this.#orders.size,
      countMax,
      bytes: this.#bytes,
      bytesMax,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  keep(request: ChatListRequest, keys: readonly string[]): void {
    const key = keyOf(request);
    this.#drop(key);
    const bytes = keys.reduce((sum, each) => sum + KEY_COST_BYTES + each.length * 2, KEY_COST_BYTES + key.length * 2);
    this.#orders.set(key, { keys, bytes, untilMs: this.#clock.monotonicMs() + KEPT_MS });
    this.#bytes += bytes;
    while (this.#orders.size > this.#bounds.countMax || this.#bytes > this.#bounds.bytesMax) {
      const oldest = this.#orders.oldest();
      if (oldest === undefined) break;
      this.#drop(oldest.key);
      this.#evictions++;
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#orders.delete(key)?.bytes ?? 0;
  }

  find(request: ChatListRequest): readonly string[] | undefined {
    const order = this.#orders.peek(keyOf(request));
    if (order === undefined || order.untilMs <= this.#clock.monotonicMs()) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    return order.keys;
  }
}

/** The same question but for the page. */
function keyOf(request: ChatListRequest): string {
  const types = [...request.excludedTypes].sort((a, b) => a - b).join();
  return `${request.version}/${request.onlyUnread ? 1 : 0}/${request.pageSize}/${types}/${request.uid}`;
}
