/**
 * JSON as a Go program reads it into its structs: what does not fit the type of a field fails the whole answer, what is
 * missing or null is the type's zero, what the struct does not name is passed over.
 */
import type { Json } from "../harness/exact-json.ts";

const RANGES = {
  int: [-(2n ** 63n), 2n ** 63n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint32: [0n, 2n ** 32n - 1n],
} as const;
type GoInteger = keyof typeof RANGES;
interface GoStruct {
  readonly [field: string]: GoType;
}
/** A list is written as an array with the type of its items. */
export type GoType = "string" | "bytes" | "float64" | GoInteger | readonly [GoType] | GoStruct;

/** `int64` is a bigint, so that an id is compared exactly. */
export type Decoded<Type> = Type extends "string"
  ? string
  : Type extends "bytes"
    ? Buffer
    : Type extends "int64"
      ? bigint
      : Type extends GoInteger | "float64"
        ? number
        : Type extends readonly [infer Item]
          ? Decoded<Item>[]
          : { readonly [Field in keyof Type]: Decoded<Type[Field]> };

export function decodeGo<const Type extends GoType>(value: Json | undefined, type: Type): Decoded<Type> {
  return decode(value, type, "answer") as Decoded<Type>; // decode follows the type
}

function decode(value: Json | undefined, type: GoType, at: string): unknown {
  const fits = (isFitting: boolean): void => {
    if (!isFitting)
      throw new Error(`json: cannot unmarshal ${typeof value} into ${at} of type ${JSON.stringify(type)}`);
  };
  if (type === "string") {
    if (isZero(value)) return "";
    fits(typeof value === "string");
    return value;
  }
  if (type === "bytes") {
    const text = decode(value, "string", at) as string;
    const bytes = Buffer.from(text, "base64");
    fits(bytes.toString("base64") === text);
    return bytes;
  }
  if (type === "float64") {
    if (isZero(value)) return 0;
    fits(typeof value === "number" || typeof value === "bigint");
    return Number(value);
  }
  if (typeof type === "string") {
    const [least, greatest] = RANGES[type];
    const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
    fits(isZero(value) || isWhole);
    const integer = isZero(value) ? 0n : BigInt(value as number | bigint); // whole, as just checked
    fits(integer >= least && integer <= greatest);
    return type === "int64" ? integer : Number(integer);
  }
  if (isList(type)) {
    if (isZero(value)) return [];
    fits(Array.isArray(value));
    return (value as readonly Json[]).map((item, index) => decode(item, type[0], `${at}[${index}]`)); // an array, as just checked
  }
  fits(isZero(value) || (typeof value === "object" && !Array.isArray(value)));
  const object = (value ?? {}) as { readonly [key: string]: Json }; // an object, as just checked
  return Object.fromEntries(
    Object.entries(type).map(([key, field]) => [key, decode(object[key], field, `${at}.${key}`)]),
  );
}

function isZero(value: Json | undefined): value is null | undefined {
  return value === null || value === undefined;
}

function isList(type: GoType): type is readonly [GoType] {
  return Array.isArray(type);
}
