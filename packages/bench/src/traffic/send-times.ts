/** When each message of a stream was, or should have been, sent: a ring of the latest ones. */
const CAPACITY_MIN = 256;

export class SendTimes {
  #mask = CAPACITY_MIN - 1;
  #numbers = new Uint32Array(CAPACITY_MIN);
  #times = new Float64Array(CAPACITY_MIN);

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
