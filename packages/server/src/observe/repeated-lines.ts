/**
 * A flood of one warning is one line and a count: the first is written, those that follow within ten seconds are counted,
 * and at the end the last of them is written with their number.
 */
export interface Line {
  /** Lines with the same one are the same. */
  readonly key: string;
  write(repeated: number): void;
}

export type After = (delayMs: number, run: () => void) => void;

const WINDOW_MS = 10_000;
/** Different lines that are watched at once; more are written as they come. */
const KEYS_MAX = 1_000;

interface Repeated {
  count: number;
  last: Line;
}

export class RepeatedLines {
  readonly #after: After;
  readonly #open = new Map<string, Repeated>();

  constructor(after: After) {
    this.#after = after;
  }

  add(line: Line): void {
    const open = this.#open.get(line.key);
    if (open !== undefined) {
      open.count++;
      open.last = line;
      return;
    }
    line.write(0);
    if (this.#open.size >= KEYS_MAX) return;
    this.#open.set(line.key, { count: 0, last: line });
    this.#after(WINDOW_MS, () => this.#close(line.key));
  }

  #close(key: string): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (open !== undefined && open.count > 0) open.last.write(open.count);
  }
}
