/** What answers look like: the schemas that several routes share, and the answers that any route may give. */
import type { RouteDescription } from "./api-route.ts";
import type { JsonSchema } from "./json-schema.ts";

/** Exactly these fields; those named in `optional` may be missing. */
export function shape(fields: Readonly<Record<string, object>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(fields).filter((name) => !optional.includes(name));
  return { type: "object", properties: fields, required, additionalProperties: false };
}

export function listOf(items: object): JsonSchema {
  return { type: "array", items };
}

export function eitherOf(...schemas: readonly object[]): JsonSchema {
  return { anyOf: schemas };
}

/** `{"status": …}` with one of these. */
export function statusOf(...statuses: readonly number[]): JsonSchema {
  return shape({ status: { type: "integer", enum: statuses } });
}

export const BOOLEAN_BIT: JsonSchema = { type: "integer", enum: [0, 1] };
export const SUCCESS: JsonSchema = statusOf(200);
/** The same status as that of HTTP, and what is wrong. */
export const FAILURE: JsonSchema = shape({ msg: { type: "string" }, status: { type: "integer" } });
const NOTHING: JsonSchema = { type: "string", maxLength: 0, contentMediaType: "text/plain" };

/** By status, with what any route may answer. */
export function answersOf(description: RouteDescription): Readonly<Record<number, JsonSchema>> {
  const takesInput = [description.body, description.query, description.params].some((given) => given !== undefined);
  return {
    ...(takesInput ? { 400: FAILURE } : undefined),
    401: NOTHING,
    ...(description.body === undefined ? undefined : { 413: FAILURE }),
    500: FAILURE,
    503: FAILURE,
    ...description.answers,
  };
}
