/**
 * Finds what a key means, whatever its upper and lower case and whether it came as `cluster.nodeId` or as
 * `WK_CLUSTER_NODEID`; and the known key that an unknown one most resembles.
 */
import { type Field, type FieldTree, isField } from "./field.ts";
import { INERT_KEYS } from "./inert-keys.ts";
import { SCHEMA } from "./schema.ts";

export interface KnownKey {
  /** As documented: `cluster.nodeId`. */
  readonly name: string;
  readonly env: string;
  readonly field: Field;
}

export type KeyMeaning =
  | { readonly known: KnownKey }
  | { readonly inert: string }
  | { readonly didYouMean: string | undefined };

export const KNOWN_KEYS: readonly KnownKey[] = listKeys(SCHEMA, "");

const KNOWN_BY_NAME: ReadonlyMap<string, KnownKey> = new Map(
  KNOWN_KEYS.map((known) => [known.name.toLowerCase(), known]),
);

/** `name`: dotted, any case. */
export function meaningOf(name: string): KeyMeaning {
  const lower = name.toLowerCase();
  const known = KNOWN_BY_NAME.get(lower);
  if (known !== undefined) return { known };
  const inert = INERT_KEYS.find((key) => matches(key.toLowerCase(), lower, "."));
  if (inert !== undefined) return { inert: inert.endsWith(".*") ? name : inert };
  return { didYouMean: nearest(lower, [...KNOWN_KEYS.map((key) => key.name), ...INERT_KEYS], ".") };
}

/** `variable`: as in the environment, upper case. */
export function meaningOfVariable(variable: string): KeyMeaning {
  const known = KNOWN_KEYS.find((key) => key.env === variable);
  if (known !== undefined) return { known };
  const inert = INERT_KEYS.find((key) => matches(envName(key), variable, "_"));
  if (inert !== undefined) return { inert: variable };
  return { didYouMean: nearest(variable, [...KNOWN_KEYS.map((key) => key.env), ...INERT_KEYS.map(envName)], "_") };
}

/** True for a group of keys, known or inert: its map in the file is to be walked. */
export function isGroup(name: string): boolean {
  const prefix = `${name.toLowerCase()}.`;
  return (
    KNOWN_KEYS.some((key) => key.name.toLowerCase().startsWith(prefix)) ||
    INERT_KEYS.some((key) => key.toLowerCase().startsWith(prefix))
  );
}

export function envName(key: string): string {
  return `WK_${key.toUpperCase().replaceAll(".", "_")}`;
}

function listKeys(tree: FieldTree, prefix: string): KnownKey[] {
  return Object.entries(tree).flatMap(([key, node]) =>
    isField(node)
      ? [{ name: prefix + key, env: envName(prefix + key), field: node }]
      : listKeys(node, `${prefix}${key}.`),
  );
}

function matches(pattern: string, name: string, separator: "." | "_"): boolean {
  return pattern.endsWith(`${separator}*`) ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The key with the same last part (a key at the wrong level), else the one that takes the fewest typing errors. */
function nearest(name: string, candidates: readonly string[], separator: "." | "_"): string | undefined {
  const exact = candidates.filter((key) => !key.endsWith("*"));
  const lower = name.toLowerCase();
  const lastPart = (key: string): string => key.toLowerCase().slice(key.lastIndexOf(separator) + 1);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const key of exact) {
    const distance = editDistance(lower, key.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [key, distance];
  }
  return best ?? exact.find((key) => lastPart(key) === lastPart(name));
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
