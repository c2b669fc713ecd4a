/**
 * JSON Schema with static types. One description of a body decodes it (`go-json.ts`), types it and documents it. The
 * builders make plain schema objects of the kinds that Go structs have, because the ranges and zero values of the
 * structs that WuKongIM decodes into are part of the API. `answer-schema.ts` has what only answers need.
 */
import { CHANNEL_ID_BYTES_MAX, CLIENT_MSG_NO_BYTES_MAX, UID_BYTES_MAX } from "../messaging/valid-ids.ts";

/** What a body, or a part of it, can be. */
export type BodySchema = TextSchema | BooleanSchema | BytesSchema | IntegerSchema | ArraySchema | ObjectSchema;

/** Any schema, for what only reads or prints it. Its numbers may be bigint where they go beyond 2^53. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

interface Notes {
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

export interface TextSchema extends Notes {
  readonly type: "string";
  /** In bytes of UTF-8, so there are at most as many characters. */
  readonly maxLength: number;
  readonly contentEncoding?: never;
}

export interface BooleanSchema extends Notes {
  readonly type: "boolean";
}

/** Standard padded base64 in the JSON. */
export interface BytesSchema extends Notes {
  readonly type: "string";
  readonly contentEncoding: "base64";
}

/** `int` has 64 bits but comes as a number, exact up to 2^53: for counts and flags, not for ids. */
export interface IntegerSchema<Kind extends IntegerKind = IntegerKind> extends Notes {
  readonly type: "integer";
  readonly "x-go-type": Kind;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of an `int` in a query that is missing or empty. */
  readonly default?: number;
}

export type IntegerKind = "uint8" | "uint32" | "int" | "int64" | "uint64";

export interface ArraySchema<Of extends BodySchema = BodySchema> extends Notes {
  readonly type: "array";
  readonly items: Of;
  readonly maxItems: number;
}

export interface ObjectSchema<Fields extends FieldSchemas = FieldSchemas> extends Notes {
  readonly type: "object";
  /** The Go struct, as error texts call it. */
  readonly title: string;
  readonly properties: Fields;
  /** For readers. Decoding fills in zeros, and each route has its own words for what is missing. */
  readonly required?: readonly string[];
  /** The fields by folded name: keys match in any case. Under a symbol, so that it is no part of the JSON. */
  readonly [BY_FOLDED_NAME]: ReadonlyMap<string, Field>;
}

export interface Field {
  readonly name: string;
  readonly schema: BodySchema;
  /** The title of the object it belongs to. */
  readonly struct: string;
  /** So that a field of the body itself says where it stands. */
  readonly within: undefined;
}

export interface FieldSchemas {
  readonly [name: string]: BodySchema;
}

export const BY_FOLDED_NAME: unique symbol = Symbol("fields by folded name");

/** What is decoded. A missing or `null` field is its kind's zero: "", false, 0, no bytes, null for an array. */
export type Decoded<Schema> =
  Schema extends IntegerSchema<infer Kind>
    ? Kind extends "int64" | "uint64"
      ? bigint
      : number
    : Schema extends BooleanSchema
      ? boolean
      : Schema extends BytesSchema
        ? Uint8Array
        : Schema extends TextSchema
          ? string
          : Schema extends ArraySchema<infer Of>
            ? readonly Decoded<Of>[] | null
            : Schema extends ObjectSchema<infer Fields>
              ? DecodedFields<Fields>
              : undefined;

export type DecodedFields<Fields> = { readonly [Name in keyof Fields]: Decoded<Fields[Name]> };

/** Enough for every list a caller may name in one call, and a bound for what one call can make the server hold. */
const ITEMS_MAX = 1_000_000;
/** What a text in a row or a frame can be: its length has 16 bits. */
const TEXT_BYTES_MAX = 65_535;

export const BOOL: BooleanSchema = { type: "boolean" };
export const UINT8: IntegerSchema<"uint8"> = { type: "integer", "x-go-type": "uint8", minimum: 0, maximum: 0xff };
export const UINT32: IntegerSchema<"uint32"> = {
  type: "integer",
  "x-go-type": "uint32",
  minimum: 0,
  maximum: 0xffff_ffff,
};
export const INT: IntegerSchema<"int"> = { type: "integer", "x-go-type": "int" };
export const INT64: IntegerSchema<"int64"> = { type: "integer", "x-go-type": "int64", format: "int64" };
export const UINT64: IntegerSchema<"uint64"> = { type: "integer", "x-go-type": "uint64", format: "uint64", minimum: 0 };
export const BYTES: BytesSchema = { type: "string", contentEncoding: "base64" };
export const UID: TextSchema = text(UID_BYTES_MAX);
export const CHANNEL_ID: TextSchema = text(CHANNEL_ID_BYTES_MAX);
export const CLIENT_MSG_NO: TextSchema = text(CLIENT_MSG_NO_BYTES_MAX);

export function text(bytesMax: number = TEXT_BYTES_MAX): TextSchema {
  return { type: "string", maxLength: bytesMax };
}

export function array<Of extends BodySchema>(items: Of, countMax: number = ITEMS_MAX): ArraySchema<Of> {
  return { type: "array", items, maxItems: countMax };
}

/** `required` are the fields without which the route always answers an error. */
export function object<Fields extends FieldSchemas>(
  title: string,
  fields: Fields,
  required: readonly (keyof Fields & string)[] = [],
): ObjectSchema<Fields> {
  const named = Object.entries(fields).map(
    ([name, schema]) => [foldedName(name), { name, schema, struct: title, within: undefined }] as const,
  );
  return {
    type: "object",
    title,
    properties: fields,
    ...(required.length > 0 ? { required } : undefined),
    [BY_FOLDED_NAME]: new Map(named),
  };
}

/** The same schema with a text about this use of it. */
export function about<Schema extends object>(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

/** Go folds case by Unicode; besides the letters themselves only these two signs fold to ASCII. */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll("ſ", "s");
}
