/** Waiting for a fact instead of for a time, and ids that no other test uses. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

/** Asks until `predicate` gives something truthy, and returns it. After `withinMs` it fails and says what was awaited. */
export async function eventually<Value>(
  predicate: () => Value | Promise<Value>,
  what: string,
  withinMs = 10_000,
): Promise<Exclude<Value, false | undefined | null | 0 | "">> {
  const end = Date.now() + withinMs;
  let pauseMs = 2;
  let last: unknown;
  for (;;) {
    try {
      const value = await predicate();
      if (value) return value as Exclude<Value, false | undefined | null | 0 | "">;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end)
      throw new Error(`not within ${withinMs} ms: ${what} (last: ${describe(last)})`, { cause: last });
    await delay(pauseMs);
    pauseMs = Math.min(pauseMs * 2, 100);
  }
}

/**
 * True when nothing came for `quietMs`: the only honest way to see that something does not happen.
 * Use it where a wrong server would have acted at once.
 */
export async function staysQuiet(hasHappened: () => boolean, quietMs = 300): Promise<boolean> {
  const end = Date.now() + quietMs;
  while (Date.now() < end) {
    if (hasHappened()) return false;
    await delay(20);
  }
  return !hasHappened();
}

export { delay };

/** An id that was never used before, without characters that mean something to the server. */
export function uniqueId(prefix: string): string {
  return `${prefix}${randomBytes(6).toString("hex")}`;
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  const text = typeof value === "string" ? value : String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
