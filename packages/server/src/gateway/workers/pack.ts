/**
 * Numbers, texts and bytes behind each other in one buffer that goes to another thread. Whoever reads asks for the same
 * things in the same order; there are no names in it.
 */

const FIRST_BYTES = 16 * 1024;
/** What a packer keeps after a turn that needed more. */
const KEPT_BYTES = 1024 * 1024;
const UTF8_BYTES_MAX = 3;
/** Up to here a text is looked at one by one: nearly all are ids in ASCII. */
const SHORT_TEXT = 48;

export class PackWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view: DataView = viewOf(this.#bytes);
  #at = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#at;
  }

  u8(value: number): void {
    this.#makeRoom(1);
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u32(value: number): void {
    this.#makeRoom(4);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  /** Any number. */
  number(value: number): void {
    this.#makeRoom(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  /** Well-formed: a lone surrogate would come out as another character. */
  text(value: string): void {
    this.#makeRoom(4 + value.length * UTF8_BYTES_MAX);
    const bytes = this.#ascii(value) ? value.length : this.#bytes.write(value, this.#at + 4, "utf8");
    this.#view.setUint32(this.#at, bytes);
    this.#at += 4 + bytes;
  }

  bytes(value: Uint8Array): void {
    this.#makeRoom(4 + value.length);
    this.#view.setUint32(this.#at, value.length);
    this.#bytes.set(value, this.#at + 4);
    this.#at += 4 + value.length;
  }

  /** All of it, in a buffer of its own; the packer is empty then. */
  take(): ArrayBuffer {
    const taken = new ArrayBuffer(this.#at);
    new Uint8Array(taken).set(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(FIRST_BYTES));
    return taken;
  }

  /** false: not written. */
  #ascii(value: string): boolean {
    if (value.length > SHORT_TEXT) return false;
    const at = this.#at + 4;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#bytes[at + index] = code;
    }
    return true;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#use(grown);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

/** Throws a RangeError when there is less than what is asked for. */
export class PackReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(packed: ArrayBuffer) {
    this.#bytes = Buffer.from(packed);
    this.#view = new DataView(packed);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    const value = this.#view.getUint8(this.#at);
    this.#at += 1;
    return value;
  }

  u32(): number {
    const value = this.#view.getUint32(this.#at);
    this.#at += 4;
    return value;
  }

  number(): number {
    const value = this.#view.getFloat64(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const to = this.#endOfNext();
    const text = this.#at === to ? "" : this.#bytes.toString("utf8", this.#at, to);
    this.#at = to;
    return text;
  }

  /** A part of the buffer: whoever keeps it keeps all that came with it. */
  bytes(): Uint8Array {
    const to = this.#endOfNext();
    const bytes = new Uint8Array(this.#bytes.buffer, this.#at, to - this.#at);
    this.#at = to;
    return bytes;
  }

  #endOfNext(): number {
    const length = this.u32();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("the pack ends early");
    return end;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
