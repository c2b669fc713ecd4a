/**
 * Numbers for sessions. A number is never given twice: its low 24 bits are the place, which is reused, the rest counts
 * how often. So a number that was kept too long is found out.
 */
const PLACE_BITS = 24;
const PLACES_MAX = 1 << PLACE_BITS;
const PLACE_MASK = PLACES_MAX - 1;

export class Slots {
  /** By place: its current number, or -1 - its last one when it is free. */
  readonly #numbers: number[] = [];
  readonly #free: number[] = [];

  get used(): number {
    return this.#numbers.length - this.#free.length;
  }

  take(): number {
    const place = this.#free.pop();
    if (place !== undefined) {
      const number = PLACES_MAX - 1 - this.#numbers[place]!;
      this.#numbers[place] = number;
      return number;
    }
    const next = this.#numbers.length;
    if (next === PLACES_MAX) throw new RangeError("no slot is left");
    this.#numbers.push(next);
    return next;
  }

  release(number: number): void {
    const place = this.place(number);
    this.#numbers[place] = -1 - number;
    this.#free.push(place);
  }

  /** Throws if the number is not in use. */
  place(number: number): number {
    const place = number & PLACE_MASK;
    if (this.#numbers[place] !== number) throw new RangeError("this slot is not in use");
    return place;
  }
}
