/** When each message of a stream was, or should have been, sent: a ring of the latest ones. */
export class SendTimes {
  #mask: number;
  #numbers: Uint32Array;
  #times: Float64Array;

  /** `capacity`: a power of two. */
  constructor(capacity: number) {
    this.#mask = capacity - 1;
    this.#numbers = new Uint32Array(capacity);
    this.#times = new Float64Array(capacity);
  }

  /** `oldest`: the first message whose time is still needed; the ring grows rather than forget it. */
  set(n: number, atMs: number, oldest: number): void {
    while (n - oldest > this.#mask) this.#grow();
    this.#numbers[n & this.#mask] = n;
    this.#times[n & this.#mask] = atMs;
  }

  /** Milliseconds of performance.now, or undefined when it is no longer known. */
  at(n: number): number | undefined {
    return this.#numbers[n & this.#mask] === n ? this.#times[n & this.#mask] : undefined;
  }

  #grow(): void {
    const numbers = this.#numbers;
    const times = this.#times;
    this.#mask = 2 * this.#mask + 1;
    this.#numbers = new Uint32Array(this.#mask + 1);
    this.#times = new Float64Array(this.#mask + 1);
    for (const [index, n] of numbers.entries()) {
      this.#numbers[n & this.#mask] = n;
      this.#times[n & this.#mask] = times[index]!;
    }
  }
}
