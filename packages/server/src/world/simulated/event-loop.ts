/**
 * Virtual time. Everything that happens is an event with a moment and an owner; events of a dead owner are dropped.
 * Between two events the promises that the first one settled run to their end, so `async` code behaves as in a process.
 */
import { eventLoopTurn } from "../real/event-loop-turn.ts";
import type { Timer } from "../world.ts";
import { EventQueue, type PlannedEvent } from "./event-queue.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** One life of the simulated process, or the world around it, which never dies. */
export interface Owner {
  isAlive: boolean;
}

/** Another timer at the same moment may be earlier or later by this. */
const TIMER_JITTER_MS = 0.5;
const PATIENCE_MS = 60_000;

export class EventLoop {
  readonly #random: SeededRandom;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #queue: EventQueue = new EventQueue();
  #soon: { readonly owner: Owner; readonly run: () => void }[] = [];
  #nowMs = 0;

  constructor(random: SeededRandom, trace: ((line: string) => void) | undefined) {
    this.#random = random;
    this.#trace = trace;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** `kind` is for the trace. */
  after(delayMs: number, kind: string, owner: Owner, run: () => void): Timer {
    const event: PlannedEvent = {
      atMs: this.#nowMs + Math.max(delayMs, 0) + this.#random.fraction() * TIMER_JITTER_MS,
      kind,
      owner,
      run,
    };
    this.#queue.add(event);
    return {
      cancel: () => {
        event.run = undefined;
      },
    };
  }

  /** First come, first served, as in a process; but other events of the same moment may come between. */
  soon(owner: Owner, run: () => void): void {
    this.#soon.push({ owner, run });
  }

  async run(forMs: number): Promise<void> {
    const endMs = this.#nowMs + forMs;
    await eventLoopTurn();
    while (await this.#step(endMs));
    this.#nowMs = endMs;
  }

  /** Until nothing is planned any more. Timers that renew themselves make that never: then it throws. */
  async runUntilIdle(): Promise<void> {
    const endMs = this.#nowMs + PATIENCE_MS;
    await eventLoopTurn();
    while (await this.#step(endMs));
    this.#skipDropped();
    if (this.#queue.next !== undefined) throw new Error(`still busy after ${PATIENCE_MS} simulated ms`);
  }

  async until(condition: () => boolean, withinMs: number = PATIENCE_MS): Promise<void> {
    const endMs = this.#nowMs + withinMs;
    await eventLoopTurn();
    while (!condition()) {
      if (!(await this.#step(endMs))) throw new Error(`did not happen within ${withinMs} simulated ms`);
    }
  }

  async settle<Value>(promise: Promise<Value>, withinMs?: number): Promise<Value> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.until(() => isSettled, withinMs);
    return promise;
  }

  /** Runs one event. false: nothing is planned up to `endMs`. */
  async #step(endMs: number): Promise<boolean> {
    const run = this.#takeSoon() ?? this.#takeEvent(endMs);
    if (run === undefined) return false;
    run();
    await eventLoopTurn();
    return true;
  }

  #takeSoon(): (() => void) | undefined {
    while (this.#soon.length > 0) {
      const next = this.#queue.next;
      const isRace = next !== undefined && next.atMs <= this.#nowMs;
      if (isRace && this.#random.chance(0.5)) return undefined;
      const first = this.#soon.shift();
      if (first?.owner.isAlive === true) {
        this.#trace?.(`${this.#nowMs} soon`);
        return first.run;
      }
    }
    return undefined;
  }

  #takeEvent(endMs: number): (() => void) | undefined {
    this.#skipDropped();
    const event = this.#queue.next;
    if (event === undefined || event.atMs > endMs) return undefined;
    this.#queue.removeNext();
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    this.#trace?.(`${this.#nowMs} ${event.kind}`);
    return event.run;
  }

  #skipDropped(): void {
    for (let event = this.#queue.next; event !== undefined; event = this.#queue.next) {
      if (event.run !== undefined && event.owner.isAlive) return;
      this.#queue.removeNext();
    }
  }
}
