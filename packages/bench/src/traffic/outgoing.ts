/** Frames of one connection and one turn, joined for one write. One is shared: it is taken before another connection fills it. */
const HEADER_SHORT_BYTES = 6;
const HEADER_LONG_BYTES = 8;
const SHORT_MAX = 125;
const FIN_BINARY = 0x82;
const MASKED = 0x80;

export class Outgoing {
  bytes: Buffer = Buffer.allocUnsafeSlow(1 << 20);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Makes room for a frame of `length` bytes, at most 65,535 over WebSocket, and returns where it is to be written. */
  reserve(length: number, isWebSocket: boolean): number {
    const needed = this.#length + HEADER_LONG_BYTES + length;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed);
      this.bytes.copy(larger, 0, 0, this.#length);
      this.bytes = larger;
    }
    if (isWebSocket) this.#header(length);
    const at = this.#length;
    this.#length += length;
    return at;
  }

  /** A copy, which may be handed to a socket. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  /** A masked binary message; the masking key is 0. */
  #header(length: number): void {
    const at = this.#length;
    const isShort = length <= SHORT_MAX;
    this.bytes[at] = FIN_BINARY;
    this.bytes[at + 1] = MASKED | (isShort ? length : 126);
    this.#length += isShort ? HEADER_SHORT_BYTES : HEADER_LONG_BYTES;
    if (!isShort) {
      this.bytes[at + 2] = length >>> 8;
      this.bytes[at + 3] = length;
    }
    this.bytes.fill(0, this.#length - 4, this.#length);
  }
}
