/**
 * Finds frames in a byte stream by their headers alone. What a complete frame holds is read in place, so nothing is
 * allocated for it; only a frame that a read cut in two is copied.
 */
export interface FrameSink {
  /** A frame's body lies in `bytes` from `start` to `end` and must not be kept. */
  frame(type: number, flags: number, bytes: Uint8Array, start: number, end: number): void;
}

const PING = 7;
const PONG = 8;
const LENGTH_BYTES_MAX = 4;

export class FrameScanner {
  readonly #sink: FrameSink;
  #rest: Buffer | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** The bytes may change after the call. */
  push(bytes: Uint8Array, start: number, end: number): void {
    const rest = this.#rest;
    if (rest === undefined) {
      const taken = this.#scan(bytes, start, end);
      if (taken < end) this.#rest = Buffer.from(bytes.subarray(taken, end));
      return;
    }
    const joined = Buffer.concat([rest, bytes.subarray(start, end)]);
    const taken = this.#scan(joined, 0, joined.length);
    this.#rest = taken < joined.length ? joined.subarray(taken) : undefined;
  }

  /** Returns where the first incomplete frame begins. */
  #scan(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const first = bytes[at]!;
      const type = first >>> 4;
      if (type === PING || type === PONG) {
        at++;
        this.#sink.frame(type, 0, bytes, at, at);
        continue;
      }
      let bodyAt = at + 1;
      let length = 0;
      for (let count = 0; ; count++) {
        if (count === LENGTH_BYTES_MAX) throw new Error("the server sent a malformed length");
        if (bodyAt === end) return at;
        const byte = bytes[bodyAt++]!;
        length |= (byte & 0x7f) << (7 * count);
        if (byte < 0x80) break;
      }
      if (end - bodyAt < length) return at;
      this.#sink.frame(type, first & 0x0f, bytes, bodyAt, bodyAt + length);
      at = bodyAt + length;
    }
    return at;
  }
}
