/** Random choices that a printed seed brings back. WK_SEED sets it. */

export class Seeded {
  readonly seed: number;
  #state: number;

  constructor(seed: number = seedOfRun()) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** mulberry32 */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  /** 0 to `count` − 1. */
  below(count: number): number {
    return this.uint32() % count;
  }
  chance(of: number): boolean {
    return this.uint32() < of * 2 ** 32;
  }
  pick<Value>(from: readonly Value[]): Value {
    return from[this.below(from.length)]!;
  }
  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at++) bytes[at] = this.uint32();
    return bytes;
  }
}

function seedOfRun(): number {
  const wanted = process.env["WK_SEED"];
  return wanted === undefined || wanted === "" ? Math.floor(Math.random() * 2 ** 32) : Number(wanted);
}
