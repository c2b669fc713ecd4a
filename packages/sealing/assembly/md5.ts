/**
 * MD5 of the base64 text of ciphertext, for four lanes in step: lane n is the n-th word of every vector. Three blocks of
 * AES are 48 bytes, 64 characters of text, one block of MD5, so no text is ever stored.
 *
 * The last block is put together apart: what is left of the text (none, 24 or 44 characters), 0x80, and the length.
 */
import { encoded, EQUALS, textLength } from "./base64";
import { BLOCKS, ciphertextOf, DIGEST, WORDS } from "./memory";

const CONSTANTS: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
], 16);

@inline
function f(x: v128, y: v128, z: v128): v128 {
  return v128.xor(z, v128.and(x, v128.xor(y, z)));
}

@inline
function g(x: v128, y: v128, z: v128): v128 {
  return v128.or(v128.and(x, z), v128.andnot(y, z));
}

@inline
function h(x: v128, y: v128, z: v128): v128 {
  return v128.xor(x, v128.xor(y, z));
}

@inline
function i(x: v128, y: v128, z: v128): v128 {
  return v128.xor(y, v128.or(x, v128.not(z)));
}

@inline
function step(a: v128, b: v128, mix: v128, word: usize, constant: usize, shift: i32): v128 {
  const sum = i32x4.add(
    i32x4.add(a, i32x4.add(v128.load(WORDS + 16 * word), v128.load32_splat(CONSTANTS + 4 * constant))),
    mix,
  );
  return i32x4.add(b, v128.or(i32x4.shl(sum, shift), i32x4.shr_u(sum, 32 - shift)));
}

/** Takes WORDS into DIGEST; lanes whose mask is zero stay as they are. */
function digestBlock(mask: v128): void {
  let a = v128.load(DIGEST);
  let b = v128.load(DIGEST, 16);
  let c = v128.load(DIGEST, 32);
  let d = v128.load(DIGEST, 48);

  a = step(a, b, f(b, c, d), 0, 0, 7);
  d = step(d, a, f(a, b, c), 1, 1, 12);
  c = step(c, d, f(d, a, b), 2, 2, 17);
  b = step(b, c, f(c, d, a), 3, 3, 22);
  a = step(a, b, f(b, c, d), 4, 4, 7);
  d = step(d, a, f(a, b, c), 5, 5, 12);
  c = step(c, d, f(d, a, b), 6, 6, 17);
  b = step(b, c, f(c, d, a), 7, 7, 22);
  a = step(a, b, f(b, c, d), 8, 8, 7);
  d = step(d, a, f(a, b, c), 9, 9, 12);
  c = step(c, d, f(d, a, b), 10, 10, 17);
  b = step(b, c, f(c, d, a), 11, 11, 22);
  a = step(a, b, f(b, c, d), 12, 12, 7);
  d = step(d, a, f(a, b, c), 13, 13, 12);
  c = step(c, d, f(d, a, b), 14, 14, 17);
  b = step(b, c, f(c, d, a), 15, 15, 22);

  a = step(a, b, g(b, c, d), 1, 16, 5);
  d = step(d, a, g(a, b, c), 6, 17, 9);
  c = step(c, d, g(d, a, b), 11, 18, 14);
  b = step(b, c, g(c, d, a), 0, 19, 20);
  a = step(a, b, g(b, c, d), 5, 20, 5);
  d = step(d, a, g(a, b, c), 10, 21, 9);
  c = step(c, d, g(d, a, b), 15, 22, 14);
  b = step(b, c, g(c, d, a), 4, 23, 20);
  a = step(a, b, g(b, c, d), 9, 24, 5);
  d = step(d, a, g(a, b, c), 14, 25, 9);
  c = step(c, d, g(d, a, b), 3, 26, 14);
  b = step(b, c, g(c, d, a), 8, 27, 20);
  a = step(a, b, g(b, c, d), 13, 28, 5);
  d = step(d, a, g(a, b, c), 2, 29, 9);
  c = step(c, d, g(d, a, b), 7, 30, 14);
  b = step(b, c, g(c, d, a), 12, 31, 20);

  a = step(a, b, h(b, c, d), 5, 32, 4);
  d = step(d, a, h(a, b, c), 8, 33, 11);
  c = step(c, d, h(d, a, b), 11, 34, 16);
  b = step(b, c, h(c, d, a), 14, 35, 23);
  a = step(a, b, h(b, c, d), 1, 36, 4);
  d = step(d, a, h(a, b, c), 4, 37, 11);
  c = step(c, d, h(d, a, b), 7, 38, 16);
  b = step(b, c, h(c, d, a), 10, 39, 23);
  a = step(a, b, h(b, c, d), 13, 40, 4);
  d = step(d, a, h(a, b, c), 0, 41, 11);
  c = step(c, d, h(d, a, b), 3, 42, 16);
  b = step(b, c, h(c, d, a), 6, 43, 23);
  a = step(a, b, h(b, c, d), 9, 44, 4);
  d = step(d, a, h(a, b, c), 12, 45, 11);
  c = step(c, d, h(d, a, b), 15, 46, 16);
  b = step(b, c, h(c, d, a), 2, 47, 23);

  a = step(a, b, i(b, c, d), 0, 48, 6);
  d = step(d, a, i(a, b, c), 7, 49, 10);
  c = step(c, d, i(d, a, b), 14, 50, 15);
  b = step(b, c, i(c, d, a), 5, 51, 21);
  a = step(a, b, i(b, c, d), 12, 52, 6);
  d = step(d, a, i(a, b, c), 3, 53, 10);
  c = step(c, d, i(d, a, b), 10, 54, 15);
  b = step(b, c, i(c, d, a), 1, 55, 21);
  a = step(a, b, i(b, c, d), 8, 56, 6);
  d = step(d, a, i(a, b, c), 15, 57, 10);
  c = step(c, d, i(d, a, b), 6, 58, 15);
  b = step(b, c, i(c, d, a), 13, 59, 21);
  a = step(a, b, i(b, c, d), 4, 60, 6);
  d = step(d, a, i(a, b, c), 11, 61, 10);
  c = step(c, d, i(d, a, b), 2, 62, 15);
  b = step(b, c, i(c, d, a), 9, 63, 21);

  v128.store(DIGEST, i32x4.add(v128.load(DIGEST), v128.and(a, mask)));
  v128.store(DIGEST, i32x4.add(v128.load(DIGEST, 16), v128.and(b, mask)), 16);
  v128.store(DIGEST, i32x4.add(v128.load(DIGEST, 32), v128.and(c, mask)), 32);
  v128.store(DIGEST, i32x4.add(v128.load(DIGEST, 48), v128.and(d, mask)), 48);
}

@inline
function startDigest(): void {
  v128.store(DIGEST, i32x4.splat(0x67452301));
  v128.store(DIGEST, i32x4.splat(0xefcdab89), 16);
  v128.store(DIGEST, i32x4.splat(0x98badcfe), 32);
  v128.store(DIGEST, i32x4.splat(0x10325476), 48);
}

/** Four vectors, one per lane, become four words of all lanes. */
@inline
function storeTransposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(ab, cd, 0, 2));
  v128.store(to, v128.shuffle<u64>(ab, cd, 1, 3), 16);
  v128.store(to, v128.shuffle<u64>(abHigh, cdHigh, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(abHigh, cdHigh, 1, 3), 48);
}

/** One block of text of the lane, from 48 bytes of ciphertext. */
function textBlock(lane: usize, from: usize): void {
  const to = BLOCKS + 64 * lane;
  v128.store(to, encoded(v128.load(from)));
  v128.store(to, encoded(v128.load(from, 12)), 16);
  v128.store(to, encoded(v128.load(from, 24)), 32);
  v128.store(to, encoded(v128.load(from, 36)), 48);
}

/** The block with the end of the text. */
function lastBlock(lane: usize, from: usize, blocks: usize): void {
  const rest = blocks % 3;
  const to = BLOCKS + 64 * lane;
  const zero = i32x4.splat(0);
  let characters: usize = 0;
  if (rest !== 0) {
    v128.store(from + 16 * rest, zero);
    v128.store(from + 16 * rest, zero, 16);
    textBlock(lane, from);
    characters = rest === 1 ? 24 : 44;
    store<u8>(to + characters - 1, EQUALS);
    if (rest === 1) store<u8>(to + characters - 2, EQUALS);
  }
  store<u32>(to + characters, 0x80);
  for (let at = characters + 4; at < 56; at += 4) store<u32>(to + at, 0);
  store<u64>(to, <u64>textLength(blocks) << 3, 56);
}

@inline
function transposeBlocks(): void {
  for (let at: usize = 0; at < 64; at += 16) {
    storeTransposed(
      WORDS + 4 * at,
      v128.load(BLOCKS + at),
      v128.load(BLOCKS + at, 64),
      v128.load(BLOCKS + at, 128),
      v128.load(BLOCKS + at, 192),
    );
  }
}

/** Leaves the four digests in DIGEST. `blocks0` to `blocks3` are the blocks of ciphertext of each lane. */
export function digestFour(blocks0: usize, blocks1: usize, blocks2: usize, blocks3: usize): void {
  const all = i32x4.splat(-1);
  startDigest();
  const last0 = blocks0 / 3;
  const last1 = blocks1 / 3;
  const last2 = blocks2 / 3;
  const last3 = blocks3 / 3;
  const whole = min(min(last0, last1), min(last2, last3));
  const longest = max(max(last0, last1), max(last2, last3));
  let from0 = ciphertextOf(0);
  let from1 = ciphertextOf(1);
  let from2 = ciphertextOf(2);
  let from3 = ciphertextOf(3);
  let block: usize = 0;
  for (; block < whole; block++) {
    for (let at: usize = 0; at < 48; at += 12) {
      storeTransposed(
        WORDS + (at / 12) * 64,
        encoded(v128.load(from0 + at)),
        encoded(v128.load(from1 + at)),
        encoded(v128.load(from2 + at)),
        encoded(v128.load(from3 + at)),
      );
    }
    digestBlock(all);
    from0 += 48;
    from1 += 48;
    from2 += 48;
    from3 += 48;
  }
  let lasts = i32x4.splat(<i32>last0);
  lasts = i32x4.replace_lane(lasts, 1, <i32>last1);
  lasts = i32x4.replace_lane(lasts, 2, <i32>last2);
  lasts = i32x4.replace_lane(lasts, 3, <i32>last3);
  for (; block <= longest; block++) {
    laneBlock(0, from0, block, last0, blocks0);
    laneBlock(1, from1, block, last1, blocks1);
    laneBlock(2, from2, block, last2, blocks2);
    laneBlock(3, from3, block, last3, blocks3);
    transposeBlocks();
    digestBlock(i32x4.ge_s(lasts, i32x4.splat(<i32>block)));
    from0 += 48;
    from1 += 48;
    from2 += 48;
    from3 += 48;
  }
}

@inline
function laneBlock(lane: usize, from: usize, block: usize, last: usize, blocks: usize): void {
  if (block < last) textBlock(lane, from);
  else if (block === last) lastBlock(lane, from, blocks);
}

/** The digest of lane 0 alone. */
export function digestOne(blocks: usize): void {
  startDigest();
  const last = blocks / 3;
  let from = ciphertextOf(0);
  for (let block: usize = 0; block <= last; block++) {
    laneBlock(0, from, block, last, blocks);
    for (let word: usize = 0; word < 16; word++) v128.store(WORDS + 16 * word, v128.load32_splat(BLOCKS + 4 * word));
    digestBlock(i32x4.splat(-1));
    from += 48;
  }
}

/** The digest of a lane, as MD5 writes it. */
@inline
export function digestOf(lane: usize): v128 {
  const at = DIGEST + 4 * lane;
  let digest = v128.load32_zero(at);
  digest = v128.load_lane<u32>(at, digest, 1, 16);
  digest = v128.load_lane<u32>(at, digest, 2, 32);
  return v128.load_lane<u32>(at, digest, 3, 48);
}
