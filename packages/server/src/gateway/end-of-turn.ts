/**
 * Work put off to the end of the event loop's turn, through one shared `timers.soon`: outboxes are written, connections
 * that had more input than one turn may handle go on. Work added while the list runs belongs to the next turn.
 */
import type { Timers } from "../world/world.ts";

export interface EndOfTurnTask {
  /** Keeps itself from being added twice. Must not throw; one that does is reported and the others still run. */
  endOfTurn(): void;
}

export class EndOfTurn {
  readonly #timers: Pick<Timers, "soon">;
  readonly #failed: (error: unknown) => void;
  #tasks: EndOfTurnTask[] = [];
  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) {
      try {
        task.endOfTurn();
      } catch (error) {
        this.#failed(error);
      }
    }
  };

  constructor(timers: Pick<Timers, "soon">, failed: (error: unknown) => void) {
    this.#timers = timers;
    this.#failed = failed;
  }

  add(task: EndOfTurnTask): void {
    this.#tasks.push(task);
    if (this.#tasks.length === 1) this.#timers.soon(this.#run);
  }
}
