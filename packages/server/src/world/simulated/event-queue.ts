/** Events by their moment: a binary heap. Those of one moment come in the order of their planning. */
import type { Owner } from "./event-loop.ts";

export interface PlannedEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly owner: Owner;
  /** undefined: cancelled. */
  run: (() => void) | undefined;
}

interface Slot {
  readonly event: PlannedEvent;
  readonly number: number;
}

export class EventQueue {
  readonly #heap: Slot[] = [];
  #planned = 0;

  get next(): PlannedEvent | undefined {
    return this.#heap[0]?.event;
  }

  add(event: PlannedEvent): void {
    this.#planned += 1;
    const slot: Slot = { event, number: this.#planned };
    let index = this.#heap.length;
    this.#heap.push(slot);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex];
      if (parent === undefined || !isBefore(slot, parent)) break;
      this.#heap[index] = parent;
      index = parentIndex;
    }
    this.#heap[index] = slot;
  }

  removeNext(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = this.#heap[childIndex];
      if (child === undefined) break;
      const right = this.#heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        childIndex += 1;
        child = right;
      }
      if (!isBefore(child, last)) break;
      this.#heap[index] = child;
      index = childIndex;
    }
    this.#heap[index] = last;
  }
}

function isBefore(one: Slot, other: Slot): boolean {
  if (one.event.atMs !== other.event.atMs) return one.event.atMs < other.event.atMs;
  return one.number < other.number;
}
