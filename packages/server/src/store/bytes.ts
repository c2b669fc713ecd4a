/**
 * Writing and reading keys and rows. Integers are big-endian, so that keys sort by number; texts are length-prefixed, so
 * that no character in an id can end a field.
 */
import type { MessageId } from "../messaging/message.ts";

/** Collects one key or row in a buffer of its own and hands out a copy. One writer serves one synchronous use at a time. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(4096);
  #length = 0;

  begin(): this {
    this.#length = 0;
    return this;
  }
  u8(value: number): this {
    this.#room(1);
    this.#bytes[this.#length++] = value;
    return this;
  }
  u16(value: number): this {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16BE(value, this.#length);
    return this;
  }
  u32(value: number): this {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32BE(value >>> 0, this.#length);
    return this;
  }
  /** Seqs, counts and milliseconds: up to 2^48. */
  u48(value: number): this {
    this.#room(6);
    this.#length = this.#bytes.writeUIntBE(value, this.#length, 6);
    return this;
  }
  /** Up to 2^48, mostly small: seven bits a byte, the lowest first. Not for keys: it does not sort. */
  varint(value: number): this {
    this.#room(7);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }
  id(value: MessageId): this {
    return this.u32(value.high).u32(value.low);
  }
  text(value: string): this {
    this.#room(2 + value.length * 3);
    const length = this.#bytes.write(value, this.#length + 2, "utf8");
    this.#bytes.writeUInt16BE(length, this.#length);
    this.#length += 2 + length;
    return this;
  }
  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }
  take(): Uint8Array {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads what a ByteWriter wrote. Rows come from our own disk: a short one throws and is reported as corruption. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }
  u8(): number {
    return this.#bytes.readUInt8(this.#at++);
  }
  u16(): number {
    const value = this.#bytes.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }
  u32(): number {
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }
  u48(): number {
    const value = this.#bytes.readUIntBE(this.#at, 6);
    this.#at += 6;
    return value;
  }
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
  id(): MessageId {
    return { high: this.u32(), low: this.u32() };
  }
  text(): string {
    const length = this.u16();
    const value = this.#bytes.toString("utf8", this.#at, this.#at + length);
    this.#at += length;
    return value;
  }
  raw(count: number): Uint8Array {
    const value = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return value;
  }
  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }
}
