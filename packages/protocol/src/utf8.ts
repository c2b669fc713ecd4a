/**
 * UTF-8 text in byte arrays. Nearly all ids are short ASCII, and that is what it is fast for.
 * Nothing is ever replaced by U+FFFD or dropped: two different ids must stay different, so bad bytes and lone
 * surrogates are errors and a byte order mark is a character.
 */
import { ProtocolError } from "./protocol-error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Node reads short strings twice as fast this way. It takes any Uint8Array as `this`. */
const sliceOfNode = findSliceOfNode();

type Utf8Slice = (this: Uint8Array, start: number, end: number) => string;

function findSliceOfNode(): Utf8Slice | undefined {
  const found: unknown = Reflect.get(globalThis.Buffer?.prototype ?? {}, "utf8Slice");
  // Checked to be a function; what it does is checked by the tests.
  return typeof found === "function" ? (found as Utf8Slice) : undefined;
}

/** Throws `invalid_utf8` for a lone surrogate. */
export function utf8Length(text: string): number {
  const length = text.length;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) > 0x7f) return lengthFrom(text, index);
  }
  return length;
}

function lengthFrom(text: string, firstWide: number): number {
  if (!text.isWellFormed()) throw new ProtocolError("invalid_utf8", "a lone surrogate in a string");
  let bytes = firstWide;
  for (let index = firstWide; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // A surrogate pair has four bytes: two for each of its units.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return bytes;
}

/** Writes the text and returns the offset behind it. The caller made room for `utf8Length(text)` bytes. */
export function utf8Write(bytes: Uint8Array, offset: number, text: string): number {
  const length = text.length;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) {
      return offset + index + encoder.encodeInto(text.slice(index), bytes.subarray(offset + index)).written;
    }
    bytes[offset + index] = unit;
  }
  return offset + length;
}

/** Throws `invalid_utf8` unless the bytes are valid UTF-8. */
export function utf8Read(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return "";
  if (sliceOfNode !== undefined) {
    const text = sliceOfNode.call(bytes, start, end);
    // Bad bytes would have become U+FFFD; if there is one, the strict decoder tells whether it was sent.
    if (!text.includes("\uFFFD")) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    throw new ProtocolError("invalid_utf8", "a string is not valid UTF-8");
  }
}
