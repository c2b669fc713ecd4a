/** At most so many things at once; the others wait in the order they came. */
import { Fifo } from "../delivery/fifo.ts";

export class Turns {
  readonly #max: number;
  readonly #waiting = new Fifo<() => void>();
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when it is the caller's turn, which he gives back with `end`. */
  async take(): Promise<void> {
    if (this.#taken < this.#max) this.#taken++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** It goes to who waits longest, or is free. */
  end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
