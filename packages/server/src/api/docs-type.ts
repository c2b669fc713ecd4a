/** The type that a schema says, in words for readers of the documentation. */
import type { JsonSchema } from "./json-schema.ts";
import { jsonText } from "./openapi.ts";

/** A type in words; the name of a shape is a part of its own, so that it can be a link. */
export type DocsType = readonly (string | { readonly shape: string })[];

const REFERENCE = "#/components/schemas/";

export function typeOf(schema: JsonSchema): DocsType {
  const name = shapeName(schema["$ref"]);
  if (name !== undefined) return [{ shape: name }];
  const options = schema["anyOf"];
  if (Array.isArray(options))
    return (options as readonly JsonSchema[]).flatMap((option, index) =>
      index === 0 ? typeOf(option) : [" or ", ...typeOf(option)],
    );
  if ("const" in schema) return [jsonText(schema["const"])];
  const values = schema["enum"];
  if (Array.isArray(values)) return [values.map(jsonText).join(" or ")];
  const { type } = schema;
  if (Array.isArray(type)) return [...typeOf({ ...schema, type: type[0] }), ` or ${type.slice(1).join(" or ")}`];
  if (type === "array") return ["list of ", ...typeOf(itemsOf(schema))];
  if (type === "integer") return [`integer${rangeText(schema)}`];
  if (schema["contentEncoding"] === "base64") return ["base64"];
  if (type === "string" && schema["format"] === "date-time") return ["time"];
  return [String(type)];
}

function rangeText({ minimum, maximum, format }: JsonSchema): string {
  if (typeof minimum === "number" && typeof maximum === "number") return ` ${minimum}–${maximum}`;
  return typeof format === "string" ? ` (${format})` : "";
}

/** undefined: it refers to none. */
export function shapeName(reference: unknown): string | undefined {
  return typeof reference === "string" && reference.startsWith(REFERENCE)
    ? reference.slice(REFERENCE.length)
    : undefined;
}

/** Of a list. */
export function itemsOf(schema: JsonSchema): JsonSchema {
  return (schema["items"] ?? {}) as JsonSchema;
}
