/** Base64 with shuffles: 12 bytes to 16 characters and back. */
import { TAIL } from "./memory";

export const EQUALS: u8 = 0x3d;
const A: u8 = 0x41;

/** Bytes 3n+2, 3n+1, 3n, and a zero, in each word. */
const GROUPS: usize = memory.data<u8>([2, 1, 0, 0x80, 5, 4, 3, 0x80, 8, 7, 6, 0x80, 11, 10, 9, 0x80], 16);
/** What is added to a value to make its character, by range: a–z, ten digits, +, /, A–Z. */
const SHIFTS: usize = memory.data<u8>([71, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 237, 240, 65, 0, 0], 16);
/** A character is none of base64 where the tables of its low and its high nibble share a bit. */
const LOW_CLASSES: usize = memory.data<u8>([
  0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a,
], 16);
const HIGH_CLASSES: usize = memory.data<u8>([
  0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
], 16);
/** What is added to a character to make its value, by high nibble; one less for the slash. */
const VALUES: usize = memory.data<u8>([0, 16, 19, 4, 191, 191, 185, 185, 0, 0, 0, 0, 0, 0, 0, 0], 16);
const PACKED: usize = memory.data<u8>([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0x80, 0x80, 0x80, 0x80], 16);

/** Characters of the text of that many blocks of ciphertext. */
@inline
export function textLength(blocks: usize): usize {
  return (((blocks << 4) + 2) / 3) << 2;
}

/** The text of the first 12 bytes. */
@inline
export function encoded(bytes: v128): v128 {
  const groups = i8x16.relaxed_swizzle(bytes, v128.load(GROUPS));
  const values = v128.or(
    v128.or(i32x4.shr_u(groups, 18), v128.and(i32x4.shr_u(groups, 4), i32x4.splat(0x3f00))),
    v128.or(
      v128.and(i32x4.shl(groups, 10), i32x4.splat(0x3f0000)),
      v128.and(i32x4.shl(groups, 24), i32x4.splat(0x3f000000)),
    ),
  );
  const capital = v128.and(i8x16.lt_s(values, i8x16.splat(26)), i8x16.splat(13));
  const range = v128.or(i8x16.sub_sat_u(values, i8x16.splat(51)), capital);
  return i8x16.add(values, i8x16.relaxed_swizzle(v128.load(SHIFTS), range));
}

/** The text of `blocks` blocks. Writes over the 16 bytes behind both. Returns the text's length. */
export function encode(from: usize, to: usize, blocks: usize): usize {
  const bytes = blocks << 4;
  v128.store(from + bytes, i32x4.splat(0));
  for (let at: usize = 0, character = to; at < bytes; at += 12) {
    v128.store(character, encoded(v128.load(from + at)));
    character += 16;
  }
  const length = textLength(blocks);
  const rest = blocks % 3;
  if (rest !== 0) store<u8>(to + length - 1, EQUALS);
  if (rest === 1) store<u8>(to + length - 2, EQUALS);
  return length;
}

/** How many blocks the text stands for; 0 if its length or its end cannot be. */
export function blocksOf(text: usize, length: usize): usize {
  if (length === 0 || (length & 3) !== 0) return 0;
  const padding: usize = load<u8>(text + length - 1) !== EQUALS ? 0 : load<u8>(text + length - 2) !== EQUALS ? 1 : 2;
  const bytes = (length >> 2) * 3 - padding;
  return (bytes & 15) !== 0 ? 0 : bytes >> 4;
}

/** Decodes the text of `blocks` blocks. Writes over the 16 bytes behind it. False: some character is not of base64. */
export function decode(text: usize, to: usize, blocks: usize): bool {
  const length = textLength(blocks);
  const whole = length & ~15;
  let wrong = i32x4.splat(0);
  for (let at: usize = 0; at < whole; at += 16) {
    const characters = v128.load(text + at);
    wrong = v128.or(wrong, wrongOf(characters));
    v128.store(to, decoded(characters));
    to += 12;
  }
  if (whole !== length) {
    v128.store(TAIL, i8x16.splat(A));
    const rest = length - whole;
    for (let at: usize = 0; at < rest; at++) store<u8>(TAIL + at, load<u8>(text + whole + at));
    store<u8>(TAIL + rest - 1, A);
    if (blocks % 3 === 1) store<u8>(TAIL + rest - 2, A);
    const characters = v128.load(TAIL);
    wrong = v128.or(wrong, wrongOf(characters));
    v128.store(to, decoded(characters));
  }
  return !v128.any_true(wrong);
}

@inline
function wrongOf(characters: v128): v128 {
  const low = i8x16.splat(0x0f);
  const highs = v128.and(i32x4.shr_u(characters, 4), low);
  return v128.and(
    i8x16.relaxed_swizzle(v128.load(LOW_CLASSES), v128.and(characters, low)),
    i8x16.relaxed_swizzle(v128.load(HIGH_CLASSES), highs),
  );
}

@inline
function decoded(characters: v128): v128 {
  const highs = v128.and(i32x4.shr_u(characters, 4), i8x16.splat(0x0f));
  const ranges = i8x16.add(highs, i8x16.eq(characters, i8x16.splat(0x2f)));
  const values = i8x16.add(characters, i8x16.relaxed_swizzle(v128.load(VALUES), ranges));
  const groups = v128.or(
    v128.or(
      i32x4.shl(v128.and(values, i32x4.splat(0x3f)), 18),
      i32x4.shl(v128.and(values, i32x4.splat(0x3f00)), 4),
    ),
    v128.or(v128.and(i32x4.shr_u(values, 10), i32x4.splat(0xfc0)), i32x4.shr_u(values, 24)),
  );
  return i8x16.relaxed_swizzle(groups, v128.load(PACKED));
}
