/**
 * JSON whose integers beyond 2^53 stay exact: they are read as bigint, and a bigint is written as a bare number.
 * Every other integer is a plain number, as JSON.parse gives it.
 */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
/** JSON.rawJSON and the reviver's third argument exist since Node 22; TypeScript's library does not know them yet. */
const modernJson = JSON as unknown as {
  parse(text: string, reviver: Reviver): Json;
  rawJSON(text: string): object;
};

function parseJson(text: string): Json {
  return modernJson.parse(text, (_key, value, context) => {
    const source = context?.source;
    if (typeof value !== "number" || Number.isSafeInteger(value) || source === undefined) return value;
    return /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** undefined when the text is not JSON. */
export function tryParseJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** A literal that goes into the text as it is, such as `1.0`. */
export function rawNumber(text: string): object {
  return modernJson.rawJSON(text);
}

export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "bigint" ? rawNumber(String(inner)) : inner,
  );
}

/** The value at a dotted path ("body.0.unread", "body.length"); undefined where it ends early. */
export function valueAt(value: unknown, path: string): unknown {
  let current: unknown = value;
  for (const key of path.split(".")) {
    if (current === null || current === undefined || typeof current !== "object") return undefined;
    if (Array.isArray(current)) current = key === "length" ? current.length : current[Number(key)];
    else current = (current as Record<string, unknown>)[key];
  }
  return current;
}
