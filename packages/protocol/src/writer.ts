/** Writes one frame, big-endian, into memory of exactly its size. `sizeOf…` of the packet says how much that is. */
import { type Allocate, allocateExact } from "./allocate.ts";
import type { Int64 } from "./int64.ts";
import { writeMd5Hex } from "./md5.ts";
import { ProtocolError } from "./protocol-error.ts";
import { STRING_BYTES_MAX } from "./reader.ts";
import { utf8Length, utf8Write } from "./utf8.ts";

/** The most that four length bytes can say. */
const BODY_BYTES_MAX = 0xfff_ffff;

/** The bytes of a string field: two of length, then UTF-8. */
export function sizeOfString(text: string): number {
  const length = utf8Length(text);
  if (length > STRING_BYTES_MAX) throw new ProtocolError("string_too_long", `a string of ${length} bytes`);
  return 2 + length;
}

export function sizeOfMessageSeq(version: number): number {
  return version < 6 ? 4 : 8;
}

/** The whole frame: first byte, one to four length bytes, body. */
export function sizeOfFrame(bodyBytes: number): number {
  if (bodyBytes > BODY_BYTES_MAX) throw new ProtocolError("frame_too_large", `a body of ${bodyBytes} bytes`);
  return 1 + (bodyBytes < 0x80 ? 1 : bodyBytes < 0x4000 ? 2 : bodyBytes < 0x20_0000 ? 3 : 4) + bodyBytes;
}

export class Writer {
  readonly bytes: Uint8Array;
  #offset: number;

  /** Starts a frame: allocates it and writes the fixed header. What is allocated may have `before` bytes more in front. */
  constructor(packetType: number, flags: number, bodyBytes: number, allocate: Allocate = allocateExact, before = 0) {
    this.bytes = allocate(sizeOfFrame(bodyBytes));
    this.#offset = before;
    this.u8((packetType << 4) | (flags & 0x0f));
    let rest = bodyBytes;
    while (rest > 0x7f) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  get offset(): number {
    return this.#offset;
  }

  u8(value: number): void {
    this.bytes[this.#offset++] = value;
  }

  u32(value: number): void {
    const at = this.#offset;
    this.bytes[at] = value >>> 24;
    this.bytes[at + 1] = value >>> 16;
    this.bytes[at + 2] = value >>> 8;
    this.bytes[at + 3] = value;
    this.#offset = at + 4;
  }

  int64(value: Int64): void {
    this.u32(value.high);
    this.u32(value.low);
  }

  /** Takes the low 64 bits, so it serves signed and unsigned fields. */
  u64(value: bigint): void {
    this.u32(Number(BigInt.asUintN(32, value >> 32n)));
    this.u32(Number(BigInt.asUintN(32, value)));
  }

  messageSeq(value: number, version: number): void {
    if (version >= 6) this.u32(Math.floor(value / 0x1_0000_0000));
    else if (value > 0xffff_ffff) throw new ProtocolError("value_out_of_range", "messageSeq beyond 32 bits");
    this.u32(value);
  }

  string(text: string): void {
    const at = this.#offset;
    const end = utf8Write(this.bytes, at + 2, text);
    const length = end - at - 2;
    this.bytes[at] = length >>> 8;
    this.bytes[at + 1] = length;
    this.#offset = end;
  }

  /** The msgKey field: a digest as 32 hex digits. */
  md5Hex(digest: Int32Array): void {
    const at = this.#offset;
    this.bytes[at] = 0;
    this.bytes[at + 1] = 32;
    writeMd5Hex(digest, this.bytes, at + 2);
    this.#offset = at + 34;
  }

  /** Leaves out bytes that the caller has written into `bytes` himself. */
  skip(count: number): void {
    this.#offset += count;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  /** The frame, which must be full: a gap would be a wrong `sizeOf…`. */
  done(): Uint8Array {
    if (this.#offset !== this.bytes.length) throw new RangeError("a frame's size was computed wrongly");
    return this.bytes;
  }
}
