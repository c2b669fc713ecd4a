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
  type Decoded,
  foldedName,
  type JsonType,
  type NumberKind,
  type NumberType,
  type ObjectType,
} from "./json-schema.ts";

type Value = string | boolean | number | bigint | Uint8Array | null | Value[] | { [name: string]: Value };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NO_BYTES = new Uint8Array(0);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const INTEGER = /^-?[0-9]+$/;
/** No 64-bit number has more. */
const DIGITS_MAX = 20;
const DIGITS_SHOWN = 40;

const RANGES: Readonly<Record<NumberKind, readonly [bigint, bigint]>> = {
  uint8: [0n, 0xffn],
  uint32: [0n, 0xffff_ffffn],
  int: [-(1n << 63n), (1n << 63n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
};

export function decodeGoJson<T extends JsonType>(body: Uint8Array, type: T): Decoded<T> {
  const decoding = new Decoding(textOf(body));
  // What is built follows the type, field by field.
  return decoding.document(type) as Decoded<T>;
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
  readonly struct: ObjectType;
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

  document(type: JsonType): Value {
    if (this.#syntax.isEmpty()) throw new GoJsonError("EOF");
    const value = this.#value(type, undefined, zeroOf(type));
    if (this.#misfit !== undefined) throw this.#misfit;
    return value;
  }

  /** `known` is what stands there so far: a repeated key decodes into it. */
  #value(type: JsonType, place: Place | undefined, known: Value): Value {
    const syntax = this.#syntax;
    const start = syntax.valueStart();
    switch (start) {
      case "null":
        syntax.literal();
        return type.kind === "array" || type.kind === "bytes" ? zeroOf(type) : known;
      case "bool": {
        const isTrue = syntax.literal() === "true";
        return type.kind === "bool" ? isTrue : this.#refuse("bool", type, place, known);
      }
      case "string":
        return this.#string(syntax.string(), type, place, known);
      case "number":
        return this.#number(syntax.number(), type, place, known);
      case "array":
        if (type.kind === "array") return this.#array(type.of, type.countMax, place);
        break;
      case "object":
        if (type.kind === "object") return this.#object(type, place, known);
        break;
    }
    syntax.skipValue();
    return this.#refuse(start, type, place, known);
  }

  #object(type: ObjectType, place: Place | undefined, known: Value): Value {
    const syntax = this.#syntax;
    // `zeroOf` made it.
    const fields = known as { [name: string]: Value };
    if (!syntax.enterObject()) return fields;
    do {
      const key = syntax.key();
      const field = type.byFoldedName.get(key) ?? type.byFoldedName.get(foldedName(key));
      if (field === undefined) {
        syntax.skipValue();
        continue;
      }
      const { name } = field;
      fields[name] = this.#value(field.type, { struct: type, name, within: place }, fields[name] ?? null);
    } while (syntax.moreInObject());
    return fields;
  }

  #array(of: JsonType, countMax: number, place: Place | undefined): Value {
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

  #string(text: string, type: JsonType, place: Place | undefined, known: Value): Value {
    if (type.kind === "bytes") {
      const bytes = base64Bytes(text);
      if (typeof bytes !== "number") return bytes;
      this.#misfit ??= new GoJsonError(`illegal base64 data at input byte ${bytes}`);
      return known;
    }
    if (type.kind !== "string") return this.#refuse("string", type, place, known);
    if (!text.isWellFormed()) this.#misfit ??= new GoJsonError(`${nameAt(place)} holds half of a surrogate pair`);
    if (!fits(text, type.bytesMax))
      this.#misfit ??= new GoJsonError(`${nameAt(place)} is longer than ${type.bytesMax} bytes`);
    return text;
  }

  #number(digits: string, type: JsonType, place: Place | undefined, known: Value): Value {
    if (!isNumber(type)) return this.#refuse("number", type, place, known);
    if (!INTEGER.test(digits) || digits.length > DIGITS_MAX)
      return this.#refuse(`number ${digits.slice(0, DIGITS_SHOWN)}`, type, place, known);
    const [min, max] = RANGES[type.kind];
    const value = BigInt(digits);
    // Go reads no sign into an unsigned number, not even that of -0.
    if (value < min || value > max || (min === 0n && digits.startsWith("-")))
      return this.#refuse(`number ${digits}`, type, place, known);
    return type.kind === "int64" || type.kind === "uint64" ? value : Number(value);
  }

  #refuse(found: string, type: JsonType, place: Place | undefined, known: Value): Value {
    const where = place === undefined ? "value" : `struct field ${place.struct.name}.${pathOf(place)}`;
    this.#misfit ??= new GoJsonError(`json: cannot unmarshal ${found} into Go ${where} of type ${goName(type)}`);
    return known;
  }
}

function isNumber(type: JsonType): type is NumberType {
  return Object.hasOwn(RANGES, type.kind);
}

function zeroOf(type: JsonType): Value {
  switch (type.kind) {
    case "string":
      return "";
    case "bool":
      return false;
    case "uint8":
    case "uint32":
    case "int":
      return 0;
    case "int64":
    case "uint64":
      return 0n;
    case "bytes":
      return NO_BYTES;
    case "array":
      return null;
    case "object": {
      const fields: { [name: string]: Value } = {};
      for (const { name, type: fieldType } of type.byFoldedName.values()) fields[name] = zeroOf(fieldType);
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

function goName(type: JsonType): string {
  switch (type.kind) {
    case "bytes":
      return "[]uint8";
    case "array":
      return `[]${goName(type.of)}`;
    case "object":
      return `api.${type.name}`;
    default:
      return type.kind;
  }
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
