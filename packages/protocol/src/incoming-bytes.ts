/**
 * What came in on a connection and is not decoded yet: between `start` and `end` of `bytes`. A chunk that arrives at an
 * empty queue is looked at in place; only the rest that waits for more is copied, once, into memory that then grows by
 * doubling, so bytes that come one by one cost linear time. Who decodes bounds it: nothing here does.
 */

const OWN_BYTES_MIN = 64;
const NOTHING = new Uint8Array(0);

export class IncomingBytes {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** `bytes` was allocated here, so it may be written to. */
  #owned = false;

  get length(): number {
    return this.end - this.start;
  }

  /** The chunk must not change until `settle`. */
  push(chunk: Uint8Array): void {
    if (this.start === this.end) {
      // One kind of array below, whatever came in: a Node Buffer would make every access polymorphic.
      this.bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.#owned = false;
      this.start = 0;
      this.end = chunk.length;
      return;
    }
    if (!this.#owned || this.end + chunk.length > this.bytes.length) this.#makeRoom(this.length + chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** All that can be decoded is. Keeps the rest without keeping the chunk it lies in. */
  settle(): void {
    if (this.start === this.end) this.clear();
    else if (!this.#owned) this.#makeRoom(this.length);
  }

  clear(): void {
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.#owned = false;
  }

  #makeRoom(bytesNeeded: number): void {
    const roomy = new Uint8Array(Math.max(OWN_BYTES_MIN, bytesNeeded, 2 * this.length));
    roomy.set(this.bytes.subarray(this.start, this.end));
    this.bytes = roomy;
    this.end -= this.start;
    this.start = 0;
    this.#owned = true;
  }
}
