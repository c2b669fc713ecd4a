/**
 * When the messages of an open loop are due. They are counted from the start, never from the last one sent: a stall, of
 * the server or of this process, delays what is sent but not what it is measured from.
 */
export class OpenLoop {
  readonly #intervalMs: number;
  #startMs = 0;
  #count = 0;

  /** `perSecond` > 0. */
  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  start(nowMs: number): void {
    this.#startMs = nowMs;
    this.#count = 0;
  }

  /** The intended time of the next message, if that has come; each call takes one. */
  take(nowMs: number): number | undefined {
    const dueMs = this.#startMs + this.#count * this.#intervalMs;
    if (dueMs > nowMs) return undefined;
    this.#count++;
    return dueMs;
  }
}
