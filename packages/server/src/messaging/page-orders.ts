/** The order page 1 of a chat list had, kept for the pages after it: keys only, for two minutes, a bounded number. */
import type { Clock } from "../world/world.ts";
import type { ChatListRequest } from "./chat-list.ts";

const KEPT_MS = 120_000;

interface Order {
  readonly keys: readonly string[];
  readonly untilMs: number;
}

export class PageOrders {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #orders = new Map<string, Order>();

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  keep(request: ChatListRequest, keys: readonly string[]): void {
    const key = keyOf(request);
    this.#orders.delete(key);
    this.#orders.set(key, { keys, untilMs: this.#clock.monotonicMs() + KEPT_MS });
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= this.#max) break;
      this.#orders.delete(oldest);
    }
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
