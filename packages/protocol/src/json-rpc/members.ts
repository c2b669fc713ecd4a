/**
 * The members of a JSON object as the original reads them, with Go's rules: names match whatever their case, a missing
 * member and null are the zero value, unknown members are ignored, a wrong type is an error. Stricter in one point:
 * strings with a lone surrogate are refused, because Go would replace it and make two ids one.
 */
import { base64ToBytes } from "../base64.ts";
import { invalidParams } from "./json-rpc-error.ts";

export class Members {
  readonly #where: string;
  readonly #values = new Map<string, unknown>();

  /** `where` names the object in error messages. */
  constructor(value: unknown, where: string) {
    this.#where = where;
    if (value === undefined || value === null) return;
    if (typeof value !== "object" || Array.isArray(value)) throw invalidParams(`${where} must be an object`);
    for (const [name, member] of Object.entries(value)) this.#values.set(name.toLowerCase(), member);
  }

  /** As it is: undefined if missing. */
  raw(name: string): unknown {
    return this.#values.get(name.toLowerCase());
  }

  object(name: string): Members {
    return new Members(this.raw(name), `${this.#where}.${name}`);
  }

  string(name: string): string {
    const value = this.raw(name) ?? "";
    if (typeof value !== "string") throw this.#wrong(name, "a string");
    if (!value.isWellFormed()) throw this.#wrong(name, "valid Unicode");
    return value;
  }

  boolean(name: string): boolean {
    const value = this.raw(name) ?? false;
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
    return value;
  }

  integer(name: string): number {
    const value = this.raw(name) ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value)) throw this.#wrong(name, "an integer");
    return value;
  }

  uint32(name: string): number {
    const value = this.integer(name);
    if (value < 0 || value > 0xffff_ffff) throw this.#wrong(name, "between 0 and 4294967295");
    return value;
  }

  /** The low 8 bits of a 64-bit integer, as the original takes them. */
  uint8(name: string): number {
    return Number(BigInt.asUintN(8, this.int64(name)));
  }

  int64(name: string): bigint {
    const value = BigInt(this.integer(name));
    if (value !== BigInt.asIntN(64, value)) throw this.#wrong(name, "a 64-bit integer");
    return value;
  }

  /** base64 text, or an array of byte numbers. */
  bytes(name: string): Uint8Array {
    const value = this.raw(name) ?? "";
    if (Array.isArray(value)) return this.#byteArray(name, value);
    if (typeof value !== "string") throw this.#wrong(name, "base64 text");
    // Line breaks inside are no error in the original.
    const bytes = base64ToBytes(value.replaceAll(/[\r\n]/g, ""));
    if (bytes === undefined) throw this.#wrong(name, "standard base64 with padding");
    return bytes;
  }

  #byteArray(name: string, values: readonly unknown[]): Uint8Array {
    const bytes = new Uint8Array(values.length);
    for (const [index, value] of values.entries()) {
      const byte = value ?? 0;
      if (typeof byte !== "number" || !Number.isInteger(byte) || byte < 0 || byte > 255) {
        throw this.#wrong(name, "an array of bytes");
      }
      bytes[index] = byte;
    }
    return bytes;
  }

  #wrong(name: string, expected: string): Error {
    return invalidParams(`${this.#where}.${name} must be ${expected}`);
  }
}
