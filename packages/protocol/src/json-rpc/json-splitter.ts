/**
 * A run of JSON objects, as JSON-RPC comes over TCP or several in one WebSocket message, cut into texts by counting
 * brackets outside of strings. Whether a text is JSON is not decided here; a bad one is cut out like a good one, so an
 * error costs one message and not the connection. Neither does what is no text at all: everything up to the next
 * opening bracket is one bad message, given out as an empty text when it begins.
 */
import { IncomingBytes } from "../incoming-bytes.ts";
import { ProtocolError } from "../protocol-error.ts";
import { utf8Read } from "../utf8.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NO_TEXT = new Uint8Array(0);

export class JsonSplitter {
  readonly #textBytesMax: number;
  readonly #incoming = new IncomingBytes();
  #failure: ProtocolError | undefined;
  /** How much of what is buffered was looked at, and in which state that ended. */
  #scanned = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Inside of what is no text; it has been reported. */
  #isSkipping = false;

  constructor(options: { readonly textBytesMax: number }) {
    this.#textBytesMax = options.textBytesMax;
  }

  get bufferedBytes(): number {
    return this.#incoming.length;
  }

  /** The chunk must not change until `next` has answered undefined. */
  push(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#incoming.push(chunk);
  }

  /**
   * The bytes of the next complete text, valid until the next call of anything here; undefined: push more. Throws
   * `ProtocolError`, and then always, when one gets too long.
   */
  next(): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const incoming = this.#incoming;
    if (this.#depth === 0 && this.#skipToBracket()) return NO_TEXT;
    const { bytes, start, end } = incoming;
    if (start === end) {
      incoming.settle();
      return undefined;
    }
    const length = this.#scan();
    if ((length ?? end - start) > this.#textBytesMax) {
      this.#failure = new ProtocolError("frame_too_large", "a JSON text is too long");
      incoming.clear();
      throw this.#failure;
    }
    if (length === undefined) {
      incoming.settle();
      return undefined;
    }
    incoming.start = start + length;
    this.#scanned = 0;
    return bytes.subarray(start, start + length);
  }

  /** true: something that is neither space nor a text begins. */
  #skipToBracket(): boolean {
    const incoming = this.#incoming;
    while (incoming.start < incoming.end) {
      const byte = incoming.bytes[incoming.start]!;
      if (byte === 0x7b || byte === 0x5b) {
        this.#isSkipping = false;
        return false;
      }
      incoming.start++;
      const isSpace = byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
      if (!isSpace && !this.#isSkipping) {
        this.#isSkipping = true;
        return true;
      }
    }
    return false;
  }

  /** The length of the text that begins at the start, once its last bracket is there. */
  #scan(): number | undefined {
    const { bytes, start, end } = this.#incoming;
    for (let at = start + this.#scanned; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === 0x7b || byte === 0x5b) this.#depth++;
      else if ((byte === 0x7d || byte === 0x5d) && --this.#depth === 0) return at + 1 - start;
    }
    this.#scanned = end - start;
    return undefined;
  }
}

/** The text of bytes from `next`; undefined: not UTF-8. */
export function jsonText(bytes: Uint8Array): string | undefined {
  try {
    return utf8Read(bytes, 0, bytes.length);
  } catch {
    return undefined;
  }
}
