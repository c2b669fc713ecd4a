/** The order page 1 of a chat list had, kept for the pages after it: keys only, for two minutes, a bounded number. */
import type { Clock } from "../world/world.ts";
import type { ChatListRequest } from "./chat-list.ts";
import type { CacheBounds } from "./loaded-cache.ts";

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
  readonly #orders = new Map<string, Order>();

  constructor(clock: Clock, bounds: CacheBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  keep(request: ChatListRequest, keys: readonly string[]): void {
    const key = keyOf(request);
    this.#drop(key);
    const bytes = keys.reduce((sum, each) => sum + KEY_COST_BYTES + each.length * 2, KEY_COST_BYTES + key.length * 2);
    this.#orders.set(key, { keys, bytes, untilMs: this.#clock.monotonicMs() + KEPT_MS });
    this.#bytes += bytes;
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= this.#bounds.countMax && this.#bytes <= this.#bounds.bytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#orders.get(key)?.bytes ?? 0;
    this.#orders.delete(key);
  }

  find(request: ChatListRequest): readonly string[] | undefined {
    const order = this.#orders.get(keyOf(request));
    return order !== undefined && order.untilMs > this.#clock.monotonicMs() ? order.keys : undefined;
  }
}

/** The same question but for the page. */
function keyOf(request: ChatListRequest): string {
  const types = [...request.excludedTypes].sort((a, b) => a - b).join();
  return `${request.version}/${request.onlyUnread ? 1 : 0}/${request.pageSize}/${types}/${request.uid}`;
}
