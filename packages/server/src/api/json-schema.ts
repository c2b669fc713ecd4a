/**
 * What a request body looks like, as data: one description decodes it (`go-json.ts`) and documents it. The kinds are
 * those of the Go structs that WuKongIM decodes into, because their ranges and zero values are part of the API.
 */
import { CHANNEL_ID_BYTES_MAX, CLIENT_MSG_NO_BYTES_MAX, UID_BYTES_MAX } from "../messaging/valid-ids.ts";

export type JsonType = TextType | BooleanType | NumberType | BytesType | ArrayType | ObjectType;

export interface BooleanType {
  readonly kind: "bool";
}

export interface TextType {
  readonly kind: "string";
  /** In UTF-8. */
  readonly bytesMax: number;
}

/** `int` has 64 bits but comes as a number, exact up to 2^53: for counts and flags, not for ids. */
export interface NumberType<Kind extends NumberKind = NumberKind> {
  readonly kind: Kind;
}

export type NumberKind = "uint8" | "uint32" | "int" | "int64" | "uint64";

/** Standard padded base64 in the JSON. */
export interface BytesType {
  readonly kind: "bytes";
}

export interface ArrayType<Of extends JsonType = JsonType> {
  readonly kind: "array";
  readonly of: Of;
  readonly countMax: number;
}

export interface ObjectType<Fields extends FieldTypes = FieldTypes> {
  readonly kind: "object";
  /** As error texts call it. */
  readonly name: string;
  readonly fields: Fields;
  /** The same by folded name: keys match in any case. */
  readonly byFoldedName: ReadonlyMap<string, Field>;
}

export interface Field {
  readonly name: string;
  readonly type: JsonType;
}

export interface FieldTypes {
  readonly [name: string]: JsonType;
}

/** What a body decodes to. A missing or `null` field is its kind's zero: "", false, 0, no bytes, null for an array. */
export type Decoded<T extends JsonType> = T extends TextType
  ? string
  : T extends BooleanType
    ? boolean
    : T extends NumberType<infer Kind>
      ? NumberOf<Kind>
      : T extends BytesType
        ? Uint8Array
        : T extends ArrayType<infer Of>
          ? readonly Decoded<Of>[] | null
          : T extends ObjectType<infer Fields>
            ? { readonly [Name in keyof Fields]: Decoded<Fields[Name]> }
            : never;

type NumberOf<Kind> = Kind extends "int64" | "uint64" ? bigint : number;

/** Enough for every list a caller may name in one call, and a bound for what one call can make the server hold. */
const ITEMS_MAX = 1_000_000;
/** What a text in a row or a frame can be: its length has 16 bits. */
const TEXT_BYTES_MAX = 65_535;

export const BOOL: BooleanType = { kind: "bool" };
export const UINT8: NumberType<"uint8"> = { kind: "uint8" };
export const UINT32: NumberType<"uint32"> = { kind: "uint32" };
export const INT: NumberType<"int"> = { kind: "int" };
export const INT64: NumberType<"int64"> = { kind: "int64" };
export const UINT64: NumberType<"uint64"> = { kind: "uint64" };
export const BYTES: BytesType = { kind: "bytes" };
export const UID: TextType = text(UID_BYTES_MAX);
export const CHANNEL_ID: TextType = text(CHANNEL_ID_BYTES_MAX);
export const CLIENT_MSG_NO: TextType = text(CLIENT_MSG_NO_BYTES_MAX);

export function text(bytesMax: number = TEXT_BYTES_MAX): TextType {
  return { kind: "string", bytesMax };
}

export function array<Of extends JsonType>(of: Of, countMax: number = ITEMS_MAX): ArrayType<Of> {
  return { kind: "array", of, countMax };
}

export function object<Fields extends FieldTypes>(name: string, fields: Fields): ObjectType<Fields> {
  const named = Object.entries(fields).map(([field, type]) => [foldedName(field), { name: field, type }] as const);
  return { kind: "object", name, fields, byFoldedName: new Map(named) };
}

/** Go folds case by Unicode; besides the letters themselves only these two signs fold to ASCII. */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll("ſ", "s");
}
