/**
 * Standard base64 with padding. For the ciphers it goes between 32-bit words, because AES blocks come as words and MD5
 * takes words; for the rest it goes between bytes and strings. Decoding is strict: no other alphabet, no line breaks,
 * no missing padding.
 */
import { utf8Read } from "./utf8.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 0x3d;

const characters = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** 12 bits to two characters, the first one in the low byte. */
const pairs = Uint16Array.from({ length: 4096 }, (_, bits) => characters[bits >>> 6]! | (characters[bits & 63]! << 8));
const values = buildValues();

function buildValues(): Int8Array {
  const built = new Int8Array(256).fill(-1);
  for (let value = 0; value < 64; value++) built[characters[value]!] = value;
  return built;
}

export function base64Length(byteLength: number): number {
  return 4 * Math.ceil(byteLength / 3);
}

/**
 * The text of the bytes in the first `count` big-endian words, as little-endian words of four characters each.
 * Returns how many words of text that is.
 */
export function base64Words(words: Int32Array, count: number, text: Int32Array): number {
  let at = 0;
  let index = 0;
  for (; index + 3 <= count; index += 3) {
    const a = words[index]!;
    const b = words[index + 1]!;
    const c = words[index + 2]!;
    text[at] = pairs[a >>> 20]! | (pairs[(a >>> 8) & 0xfff]! << 16);
    text[at + 1] = pairs[((a & 0xff) << 4) | (b >>> 28)]! | (pairs[(b >>> 16) & 0xfff]! << 16);
    text[at + 2] = pairs[(b >>> 4) & 0xfff]! | (pairs[((b & 0x0f) << 8) | (c >>> 24)]! << 16);
    text[at + 3] = pairs[(c >>> 12) & 0xfff]! | (pairs[c & 0xfff]! << 16);
    at += 4;
  }
  if (index === count) return at;
  const a = words[index]!;
  text[at] = pairs[a >>> 20]! | (pairs[(a >>> 8) & 0xfff]! << 16);
  if (index + 1 === count) {
    text[at + 1] = pairs[(a & 0xff) << 4]! | (PAD << 16) | (PAD << 24);
    return at + 2;
  }
  const b = words[index + 1]!;
  text[at + 1] = pairs[((a & 0xff) << 4) | (b >>> 28)]! | (pairs[(b >>> 16) & 0xfff]! << 16);
  text[at + 2] = pairs[(b >>> 4) & 0xfff]! | (characters[(b & 0x0f) << 2]! << 16) | (PAD << 24);
  return at + 3;
}

/** How many bytes the text stands for; -1 if its length or its padding cannot be. */
export function base64DecodedLength(text: Uint8Array): number {
  const length = text.length;
  if (length % 4 !== 0) return -1;
  if (length === 0) return 0;
  const padding = text[length - 1] !== PAD ? 0 : text[length - 2] !== PAD ? 1 : 2;
  return (length / 4) * 3 - padding;
}

/** Decodes all of `text`, whose decoded length the caller has made room for. False: not base64. */
export function base64Decode(text: Uint8Array, bytes: Uint8Array): boolean {
  const byteLength = base64DecodedLength(text);
  if (byteLength < 0) return false;
  const wholeGroups = Math.floor(byteLength / 3);
  let at = 0;
  let from = 0;
  let seen = 0;
  for (let group = 0; group < wholeGroups; group++) {
    const a = values[text[from]!]!;
    const b = values[text[from + 1]!]!;
    const c = values[text[from + 2]!]!;
    const d = values[text[from + 3]!]!;
    seen |= a | b | c | d;
    bytes[at] = (a << 2) | (b >>> 4);
    bytes[at + 1] = (b << 4) | (c >>> 2);
    bytes[at + 2] = (c << 6) | d;
    from += 4;
    at += 3;
  }
  if (at < byteLength) {
    const a = values[text[from]!]!;
    const b = values[text[from + 1]!]!;
    seen |= a | b;
    bytes[at] = (a << 2) | (b >>> 4);
    if (at + 1 < byteLength) {
      const c = values[text[from + 2]!]!;
      seen |= c;
      bytes[at + 1] = (b << 4) | (c >>> 2);
    }
  }
  // Characters outside the alphabet are -1, so one of them turns the sign.
  return seen >= 0;
}

export function base64FromBytes(bytes: Uint8Array): string {
  const text = new Uint8Array(base64Length(bytes.length)).fill(PAD);
  let at = 0;
  let index = 0;
  for (; index + 3 <= bytes.length; index += 3) {
    const group = (bytes[index]! << 16) | (bytes[index + 1]! << 8) | bytes[index + 2]!;
    text[at] = characters[group >>> 18]!;
    text[at + 1] = characters[(group >>> 12) & 63]!;
    text[at + 2] = characters[(group >>> 6) & 63]!;
    text[at + 3] = characters[group & 63]!;
    at += 4;
  }
  if (index < bytes.length) {
    const isPair = index + 1 < bytes.length;
    const group = (bytes[index]! << 16) | (isPair ? bytes[index + 1]! << 8 : 0);
    text[at] = characters[group >>> 18]!;
    text[at + 1] = characters[(group >>> 12) & 63]!;
    if (isPair) text[at + 2] = characters[(group >>> 6) & 63]!;
  }
  return utf8Read(text, 0, text.length);
}

/** undefined: not base64. */
export function base64ToBytes(text: string): Uint8Array | undefined {
  const ascii = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return undefined;
    ascii[index] = unit;
  }
  const byteLength = base64DecodedLength(ascii);
  if (byteLength < 0) return undefined;
  const bytes = new Uint8Array(byteLength);
  return base64Decode(ascii, bytes) ? bytes : undefined;
}
