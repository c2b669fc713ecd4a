/**
 * Compares an observation with a recorded expectation. A numbered placeholder is bound to a value where it is met first;
 * from then on it means that value and no other, and no other placeholder means it.
 */
import { Volatile } from "./volatile.ts";

export interface Difference {
  readonly at: string;
  readonly expected: string;
  readonly got: string;
}
export interface ComparisonOptions {
  /** Dotted paths of lists that are compared as sets; "" is the observation itself, `*` any item of a list. */
  readonly unordered?: readonly string[];
  /** Keys that an answer may have beyond the expectation. */
  readonly mayAdd?: (path: string) => boolean;
}
type Bindings = ReadonlyMap<string, string>;

const NUMBERED = /^<(id|idstr|cmn|big):(\w+)>$/;
const NEAR_NOW_MS = 3_600_000;
const ATTEMPTS_MAX = 50_000;

export class Expectations {
  #values = new Map<string, string>();
  #names = new Map<string, string>();

  /** The text of the value bound to a placeholder, as "id:1". */
  valueOf(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** What differs; when anything does, the bindings are as before. */
  compare(expected: unknown, observed: unknown, options: ComparisonOptions = {}): Difference[] {
    const before = this.#save();
    const comparison: Comparison = {
      unordered: (options.unordered ?? []).map((path) => (path === "" ? [] : path.split("."))),
      mayAdd: options.mayAdd ?? (() => false),
      attemptsLeft: ATTEMPTS_MAX,
    };
    const differences = this.#compare(expected, observed, [], comparison);
    if (differences.length > 0) this.#restore(before);
    return differences;
  }

  #compare(expected: unknown, observed: unknown, path: readonly string[], comparison: Comparison): Difference[] {
    if (typeof expected === "string")
      return this.#fits(expected, observed) ? [] : [this.#difference(path, expected, observed)];
    if (Array.isArray(expected)) return this.#compareList(expected, observed, path, comparison);
    if (expected !== null && typeof expected === "object")
      return this.#compareObject(expected as JsonObject, observed, path, comparison);
    return Object.is(expected, observed) ? [] : [this.#difference(path, expected, observed)];
  }

  #compareObject(
    expected: JsonObject,
    observed: unknown,
    path: readonly string[],
    comparison: Comparison,
  ): Difference[] {
    const choices = expected["<oneOf>"];
    if (Array.isArray(choices)) return this.#compareChoice(choices, observed, path, comparison);
    if (!isObject(observed)) return [this.#difference(path, expected, observed)];
    const differences: Difference[] = [];
    for (const [key, inner] of Object.entries(expected)) {
      if (inner === "<absent or any>") continue;
      const at = [...path, key];
      if (key in observed) differences.push(...this.#compare(inner, observed[key], at, comparison));
      else differences.push({ at: at.join("."), expected: this.#show(inner), got: "(absent)" });
    }
    for (const key of Object.keys(observed)) {
      const at = [...path, key].join(".");
      if (key in expected || comparison.mayAdd(at)) continue;
      differences.push({ at, expected: "(absent)", got: this.#show(observed[key]) });
    }
    return differences;
  }

  #compareChoice(
    choices: readonly unknown[],
    observed: unknown,
    path: readonly string[],
    comparison: Comparison,
  ): Difference[] {
    let first: Difference[] | undefined;
    for (const choice of choices) {
      const before = this.#save();
      const differences = this.#compare(choice, observed, path, comparison);
      if (differences.length === 0) return [];
      this.#restore(before);
      first ??= differences;
    }
    return first ?? [this.#difference(path, choices, observed)];
  }

  #compareList(
    expected: readonly unknown[],
    observed: unknown,
    path: readonly string[],
    comparison: Comparison,
  ): Difference[] {
    if (!Array.isArray(observed) || observed.length !== expected.length) {
      return [{ at: path.join("."), expected: this.#count(expected), got: this.#count(observed) }];
    }
    if (!comparison.unordered.some((pattern) => matches(pattern, path))) {
      return expected.flatMap((item, index) =>
        this.#compare(item, observed[index], [...path, String(index)], comparison),
      );
    }
    const free = new Set(observed.keys());
    if (this.#pairUp(expected, 0, observed, free, path, comparison)) return [];
    return [{ at: path.join("."), expected: `in any order ${this.#show(expected)}`, got: this.#show(observed) }];
  }

  /** Finds for each expected item one observed item of its own; tries again where a binding turns out wrong. */
  #pairUp(
    expected: readonly unknown[],
    index: number,
    observed: readonly unknown[],
    free: Set<number>,
    path: readonly string[],
    comparison: Comparison,
  ): boolean {
    if (index === expected.length) return true;
    for (const candidate of Array.from(free)) {
      if (comparison.attemptsLeft-- <= 0) return false;
      const before = this.#save();
      if (this.#compare(expected[index], observed[candidate], [...path, String(index)], comparison).length === 0) {
        free.delete(candidate);
        if (this.#pairUp(expected, index + 1, observed, free, path, comparison)) return true;
        free.add(candidate);
      }
      this.#restore(before);
    }
    return false;
  }

  #fits(expected: string, observed: unknown): boolean {
    const numbered = NUMBERED.exec(expected);
    if (numbered !== null)
      return observed instanceof Volatile && observed.kind === numbered[1] && this.#bind(observed, numbered[2]!);
    switch (expected) {
      case "<any>":
        return true;
      case "<text>":
        return typeof observed === "string" && observed.length > 0;
      case "<refused>":
        return typeof observed === "number" && observed > 1;
      case "<positive>":
        return typeof observed === "number" && observed > 0;
      case "<sec>":
      case "<ms>":
      case "<ns>":
      case "<time>":
        return observed instanceof Volatile && `<${observed.kind}>` === expected && isNearNow(observed);
      default:
        return observed === expected;
    }
  }

  #bind(observed: Volatile, number: string): boolean {
    const space = observed.kind === "idstr" ? "id" : observed.kind;
    const name = `${space}:${number}`;
    const value = `${space}/${observed.text}`;
    const bound = this.#values.get(name);
    if (bound !== undefined) return bound === observed.text;
    if (this.#names.has(value)) return false;
    this.#values.set(name, observed.text);
    this.#names.set(value, name);
    return true;
  }

  #save(): readonly [Bindings, Bindings] {
    return [new Map(this.#values), new Map(this.#names)];
  }
  #restore([values, names]: readonly [Bindings, Bindings]): void {
    this.#values = new Map(values);
    this.#names = new Map(names);
  }

  #difference(path: readonly string[], expected: unknown, observed: unknown): Difference {
    return { at: path.join("."), expected: this.#show(expected), got: this.#show(observed) };
  }
  #count(value: unknown): string {
    return Array.isArray(value) ? `${value.length} items ${this.#show(value)}` : this.#show(value);
  }
  /** Bound values are shown under their names. */
  #show(value: unknown): string {
    const text = JSON.stringify(value, (_key, inner: unknown) => {
      if (!(inner instanceof Volatile)) return inner;
      const space = inner.kind === "idstr" ? "id" : inner.kind;
      return `<${this.#names.get(`${space}/${inner.text}`) ?? `${inner.kind} ${inner.text}`}>`;
    });
    return text ?? "(absent)";
  }
}

type JsonObject = Readonly<Record<string, unknown>>;
interface Comparison {
  readonly unordered: readonly (readonly string[])[];
  readonly mayAdd: (path: string) => boolean;
  attemptsLeft: number;
}

function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Volatile);
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((part, index) => part === "*" || part === path[index]);
}

function isNearNow(value: Volatile): boolean {
  const number = Number(value.text);
  const ms =
    { sec: number * 1e3, ms: number, ns: number / 1e6 }[value.kind as "sec" | "ms" | "ns"] ?? Date.parse(value.text);
  return Math.abs(ms - Date.now()) < NEAR_NOW_MS;
}
