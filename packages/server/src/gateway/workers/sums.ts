/** Counters of several threads as one: numbers are added, objects and lists of them member by member. */

/** At least one; all have the same members. */
export function sumOf<Counters extends object>(all: readonly Counters[]): Counters {
  return all.reduce((one, other) => added(one, other) as Counters);
}

function added(one: unknown, other: unknown): unknown {
  if (typeof one === "number" && typeof other === "number") return one + other;
  if (Array.isArray(one) && Array.isArray(other)) return one.map((value, index) => added(value, other[index]));
  if (!isObject(one) || !isObject(other)) return other ?? one;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(Array.from(names, (name) => [name, added(one[name], other[name])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
