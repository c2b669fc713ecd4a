/** Reads the fields of one frame's body, big-endian, and never beyond its end. Copies whatever it hands out. */
import { type Allocate, allocateExact } from "./allocate.ts";
import type { Int64 } from "./int64.ts";
import { ProtocolError } from "./protocol-error.ts";
import { utf8Read } from "./utf8.ts";

/** The length of a string is a signed 16-bit number in the original, so the upper half is an error. */
export const STRING_BYTES_MAX = 0x7fff;

const NOTHING = new Uint8Array(0);

export class Reader {
  #bytes: Uint8Array = NOTHING;
  #offset = 0;
  #end = 0;
  #allocate: Allocate = allocateExact;

  /** Points at the body of a frame. One reader serves all frames, of whatever connection. */
  reset(bytes: Uint8Array, start: number, end: number, allocate: Allocate): void {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
    this.#allocate = allocate;
  }

  /** The bytes are kept no longer than they are read. */
  clear(): void {
    this.reset(NOTHING, 0, 0, allocateExact);
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#bytes[at]!;
  }

  u16(): number {
    const at = this.#take(2);
    const bytes = this.#bytes;
    return (bytes[at]! << 8) | bytes[at + 1]!;
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  i32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  int64(): Int64 {
    const high = this.u32();
    return { high, low: this.u32() };
  }

  i64(): bigint {
    return BigInt.asIntN(64, this.u64());
  }

  u64(): bigint {
    const high = this.u32();
    return (BigInt(high) << 32n) | BigInt(this.u32());
  }

  /** A sequence number: 32 bits before version 6, 64 bits since. */
  messageSeq(version: number): number {
    if (version < 6) return this.u32();
    const high = this.u32();
    const low = this.u32();
    if (high > 0x1f_ffff) throw new ProtocolError("value_out_of_range", "messageSeq beyond 2^53");
    return high * 0x1_0000_0000 + low;
  }

  string(): string {
    const length = this.u16();
    if (length > STRING_BYTES_MAX) throw new ProtocolError("string_too_long", `a string of ${length} bytes`);
    const at = this.#take(length);
    return utf8Read(this.#bytes, at, at + length);
  }

  /** Everything up to the end of the body, as a copy. */
  rest(): Uint8Array {
    const rest = this.#allocate(this.remaining);
    rest.set(this.#bytes.subarray(this.#offset, this.#end));
    this.#offset = this.#end;
    return rest;
  }

  #take(count: number): number {
    const at = this.#offset;
    if (at + count > this.#end) throw new ProtocolError("truncated_body", "the frame ends inside a field");
    this.#offset = at + count;
    return at;
  }
}
