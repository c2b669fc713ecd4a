/**
 * Details of a log line without what must never be read there: whatever is named like a secret, and the contents of
 * messages. Names decide, at any depth, so a new caller cannot forget it.
 */
const SECRET_NAME = /token|secret|passw|authorization|cookie|jwt|payload|credential|private|^key$/i;
const REDACTED = "[redacted]";
/** Deeper down nothing is written: no line needs it, and a cycle ends here. */
const DEPTH_MAX = 5;
const TOO_DEEP = "[…]";

export function redacted(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactedObject(details, 0);
}

function redactedObject(value: object, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    result[name] = SECRET_NAME.test(name) && each !== undefined ? REDACTED : redactedValue(each, depth + 1);
  }
  return result;
}

function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  // Bytes are somebody's message until the contrary is proved.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > DEPTH_MAX) return TOO_DEEP;
  if (value instanceof Error) return redactedError(value, depth);
  if (Array.isArray(value)) return value.map((each) => redactedValue(each, depth + 1));
  // What writes itself is written by itself, as a date or an address does.
  if ("toJSON" in value) return value;
  return redactedObject(value, depth);
}

function redactedError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message,
    stack,
    ...redactedObject(error, depth),
    ...(cause === undefined ? {} : { cause: redactedValue(cause, depth + 1) }),
  };
}
