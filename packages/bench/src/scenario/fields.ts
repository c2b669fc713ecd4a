/** Reads one object of a scenario field by field. What nobody asked for is an error: a mistyped key must not change a result silently. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

export class Fields {
  readonly #values: Map<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ScenarioError(`${path}: expected keys and values`);
    }
    this.#values = new Map(Object.entries(value));
    this.#path = path;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Any value, checked by who takes it. */
  take(key: string): unknown {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  text(key: string, fallback?: string): string {
    const value = this.take(key) ?? fallback;
    if (typeof value !== "string") throw this.error(key, "expected a text");
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.take(key) ?? fallback;
    if (typeof value !== "boolean") throw this.error(key, "expected true or false");
    return value;
  }

  /** A number of at least `min`. */
  number(key: string, fallback?: number, min = 0): number {
    const value = this.take(key) ?? fallback;
    if (typeof value !== "number" || !(value >= min)) throw this.error(key, `expected a number of at least ${min}`);
    return value;
  }

  /** A whole number of at least `min`. */
  count(key: string, fallback?: number, min = 0): number {
    const value = this.number(key, fallback, min);
    if (!Number.isInteger(value)) throw this.error(key, "expected a whole number");
    return value;
  }

  optionalNumber(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  choice<Word extends string | number>(key: string, words: readonly Word[], fallback: Word): Word {
    const value = this.take(key) ?? fallback;
    const word = words.find((each) => each === value);
    if (word === undefined) throw this.error(key, `expected one of ${words.join(", ")}`);
    return word;
  }

  /** Named numbers. */
  numbers(key: string): Readonly<Record<string, number>> {
    const inner = this.inner(key);
    const found: Record<string, number> = {};
    for (const name of inner === undefined ? [] : inner.keys()) found[name] = inner!.number(name, undefined, -Infinity);
    return found;
  }

  inner(key: string): Fields | undefined {
    return this.has(key) ? new Fields(this.take(key), `${this.#path}.${key}`) : undefined;
  }

  list(key: string): readonly unknown[] {
    const value = this.take(key) ?? [];
    if (!Array.isArray(value)) throw this.error(key, "expected a list");
    return value;
  }

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  error(key: string, message: string): ScenarioError {
    return new ScenarioError(`${this.#path}.${key}: ${message}`);
  }

  /** Every key must have been taken. */
  done(): void {
    const rest = this.keys();
    if (rest.length > 0) throw new ScenarioError(`${this.#path}: unknown key ${rest.join(", ")}`);
  }
}
