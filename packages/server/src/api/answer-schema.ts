/** What answers look like: the schemas that several routes share, and the answers that any route may give. */
import type { RouteDescription } from "./api-route.ts";
import type { JsonSchema } from "./json-schema.ts";

/** Exactly these fields; those named in `optional` may be missing. */
export function shape(fields: Readonly<Record<string, object>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(fields).filter((name) => !optional.includes(name));
  return { type: "object", properties: fields, required, additionalProperties: false };
}

/** The schema under a name of its own in the documentation. */
export function titled(title: string, schema: JsonSchema): JsonSchema {
  return { title, ...schema };
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

export const BIT: JsonSchema = { type: "integer", enum: [0, 1] };
export const SUCCESS: JsonSchema = titled("Success", statusOf(200));
/** The same status as that of HTTP, and what is wrong. */
export const FAILURE: JsonSchema = titled(
  "Failure",
  shape({
    msg: { type: "string", description: "What is wrong: the original's words where it has any, as uid不能为空！" },
    status: { type: "integer", description: "The same as that of HTTP." },
  }),
);

/** Text of the type under `contentMediaType`; all others are JSON. */
export function isText(schema: JsonSchema): boolean {
  return "contentMediaType" in schema;
}

/** On the manager port. The API port answers 401 without a body. */
const NO_LOGIN: JsonSchema = titled("NoLogin", shape({ error: { type: "string" } }));

/** What any route may answer. */
export const COMMON_ANSWERS: Readonly<Record<number, JsonSchema>> = {
  400: FAILURE,
  401: NO_LOGIN,
  413: FAILURE,
  429: FAILURE,
  500: FAILURE,
  503: FAILURE,
};

/** By status, with what any route may answer. */
export function answersOf(description: RouteDescription): Readonly<Record<number, JsonSchema>> {
  const takesInput = [description.body, description.query, description.params].some((given) => given !== undefined);
  const answers: Record<number, JsonSchema> = { ...COMMON_ANSWERS };
  if (!takesInput) delete answers[400];
  if (description.isOpen === true) delete answers[401];
  if (description.body === undefined) delete answers[413];
  return { ...answers, ...description.answers };
}
