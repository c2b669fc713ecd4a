/**
 * Request bodies, decoded as Go's encoding/json would: the first JSON value only, keys in any case, unknown keys
 * ignored, `null` leaves the zero value, integers only and in range, 64 bits exact. The schema says what is built, so no
 * key of a request ever becomes a key of an object. Never throws anything but a `GoJsonError`.
 *
 * Stricter than Go in one thing: text must be valid Unicode. Go replaces what is not, and two ids become one.
 */
import { fits } from "../messaging/valid-ids.ts";
import { GoJsonError, GoSyntax } from "./go-syntax.ts";
import {
  type BodySchema,
  BY_FOLDED_NAME,
  type BytesSchema,
  type Decoded,
  foldedName,
  type IntegerKind,
  type ObjectSchema,
} from "./json-schema.ts";

type Value = string | number | bigint | Uint8Array | null | Value[] | { [name: string]: Value };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NO_BYTES = new Uint8Array(0);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const INTEGER = /^-?[0-9]+$/;
/** No 64-bit number has more. */
const DIGITS_MAX = 20;
const DIGITS_SHOWN = 40;

const RANGES: Readonly<Record<IntegerKind, readonly [bigint, bigint]>> = {
  uint8: [0n, 0xffn],
  uint32: [0n, 0xffff_ffffn],
  int: [-(1n << 63n), (1n << 63n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
};

export function decodeGoJson<Schema extends BodySchema>(body: Uint8Array, schema: Schema): Decoded<Schema> {
  const decoding = new Decoding(textOf(body));
  // What is built follows the schema, field by field.
  return decoding.document(schema) as Decoded<Schema>;
}

function textOf(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch {
    throw new GoJsonError("the body is not valid UTF-8");
  }
}

/** Where a value belongs, for error texts. */
interface Place {
  readonly struct: ObjectSchema;
  readonly name: string;
  readonly within: Place | undefined;
}

class Decoding {
  readonly #syntax: GoSyntax;
  /** The first value that does not fit. Like Go, the rest is still read: an error of syntax counts more. */
  #misfit: GoJsonError | undefined;

  constructor(text: string) {
    this.#syntax = new GoSyntax(text);
  }

  document(schema: BodySchema): Value {
    if (this.#syntax.isEmpty()) throw new GoJsonError("EOF");
    const value = this.#value(schema, undefined, zeroOf(schema));
    if (this.#misfit !== undefined) throw this.#misfit;
    return value;
  }

  /** `known` is what stands there so far: a repeated key decodes into it. */
  #value(schema: BodySchema, place: Place | undefined, known: Value): Value {
    const syntax = this.#syntax;
    const start = syntax.valueStart();
    switch (start) {
      case "null":
        syntax.literal();
        return schema.type === "array" || isBytes(schema) ? zeroOf(schema) : known;
      case "bool":
        syntax.literal();
        return this.#refuse("bool", schema, place, known);
      case "string":
        return this.#string(syntax.string(), schema, place, known);
      case "number":
        return this.#number(syntax.number(), schema, place, known);
      case "array":
        if (schema.type === "array") return this.#array(schema.items, schema.maxItems, place);
        break;
      case "object":
        if (schema.type === "object") return this.#object(schema, place, known);
        break;
    }
    syntax.skipValue();
    return this.#refuse(start, schema, place, known);
  }

  #object(schema: ObjectSchema, place: Place | undefined, known: Value): Value {
    const syntax = this.#syntax;
    // `zeroOf` made it.
    const fields = known as { [name: string]: Value };
    if (!syntax.enterObject()) return fields;
    const byFoldedName = schema[BY_FOLDED_NAME];
    do {
      const key = syntax.key();
      const field = byFoldedName.get(key) ?? byFoldedName.get(foldedName(key));
      if (field === undefined) {
        syntax.skipValue();
        continue;
      }
      const { name } = field;
      fields[name] = this.#value(field.schema, { struct: schema, name, within: place }, fields[name] ?? null);
    } while (syntax.moreInObject());
    return fields;
  }

  #array(of: BodySchema, countMax: number, place: Place | undefined): Value {
    const syntax = this.#syntax;
    const items: Value[] = [];
    if (!syntax.enterArray()) return items;
    do {
      const item = this.#value(of, place, zeroOf(of));
      if (items.length < countMax) items.push(item);
      else this.#misfit ??= new GoJsonError(`${nameAt(place)} has more than ${countMax} items`);
    } while (syntax.moreInArray());
    return items;
  }

  #string(text: string, schema: BodySchema, place: Place | undefined, known: Value): Value {
    if (isBytes(schema)) {
      const bytes = base64Bytes(text);
      if (typeof bytes !== "number") return bytes;
      this.#misfit ??= new GoJsonError(`illegal base64 data at input byte ${bytes}`);
      return known;
    }
    if (schema.type !== "string") return this.#refuse("string", schema, place, known);
    if (!text.isWellFormed()) this.#misfit ??= new GoJsonError(`${nameAt(place)} holds half of a surrogate pair`);
    if (!fits(text, schema.maxLength))
      this.#misfit ??= new GoJsonError(`${nameAt(place)} is longer than ${schema.maxLength} bytes`);
    return text;
  }

  #number(digits: string, schema: BodySchema, place: Place | undefined, known: Value): Value {
    if (schema.type !== "integer") return this.#refuse("number", schema, place, known);
    if (!INTEGER.test(digits) || digits.length > DIGITS_MAX)
      return this.#refuse(`number ${digits.slice(0, DIGITS_SHOWN)}`, schema, place, known);
    const kind = schema["x-go-type"];
    const [min, max] = RANGES[kind];
    const value = BigInt(digits);
    // Go reads no sign into an unsigned number, not even that of -0.
    if (value < min || value > max || (min === 0n && digits.startsWith("-")))
      return this.#refuse(`number ${digits}`, schema, place, known);
    return kind === "int64" || kind === "uint64" ? value : Number(value);
  }

  #refuse(found: string, schema: BodySchema, place: Place | undefined, known: Value): Value {
    const where = place === undefined ? "value" : `struct field ${place.struct.title}.${pathOf(place)}`;
    this.#misfit ??= new GoJsonError(`json: cannot unmarshal ${found} into Go ${where} of type ${goName(schema)}`);
    return known;
  }
}

function zeroOf(schema: BodySchema): Value {
  switch (schema.type) {
    case "string":
      return isBytes(schema) ? NO_BYTES : "";
    case "integer":
      return schema["x-go-type"] === "int64" || schema["x-go-type"] === "uint64" ? 0n : 0;
    case "array":
      return null;
    case "object": {
      const fields: { [name: string]: Value } = {};
      for (const field of schema[BY_FOLDED_NAME].values()) fields[field.name] = zeroOf(field.schema);
      return fields;
    }
  }
}

function nameAt(place: Place | undefined): string {
  return place?.name ?? "the body";
}

/** As deep as the schema. */
function pathOf(place: Place): string {
  return place.within === undefined ? place.name : `${pathOf(place.within)}.${place.name}`;
}

function goName(schema: BodySchema): string {
  switch (schema.type) {
    case "string":
      return isBytes(schema) ? "[]uint8" : "string";
    case "integer":
      return schema["x-go-type"];
    case "array":
      return `[]${goName(schema.items)}`;
    case "object":
      return `api.${schema.title}`;
  }
}

function isBytes(schema: BodySchema): schema is BytesSchema {
  return schema.type === "string" && schema.contentEncoding !== undefined;
}

/** Line breaks are passed over. The place of the first wrong character when it is not base64. */
function base64Bytes(text: string): Uint8Array | number {
  const plain = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, "") : text;
  if (plain.length % 4 === 0 && BASE64.test(plain)) return Buffer.from(plain, "base64");
  const wrong = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (wrong !== -1) return wrong;
  const padding = text.indexOf("=");
  return padding === -1 ? text.length : padding;
}
