/**
 * AES-128 by byte shuffles (Hamburg, "Accelerating AES with Vector Permute Instructions", 2009): a byte is two elements
 * of the field of 16, and its inverse comes from inverses of nibbles, which are lookups in a register. No load and no
 * branch depends on a secret.
 *
 *   x = i k (nibbles in the tower basis), j = i + k
 *   io = 1 / (1/i + a/k) + j        jo = 1 / (1/j + a/k) + i         1/0 is infinity: 0x80, which looks up to 0
 *   any linear map of 1/x = U[io] ^ T[jo]                            with tables U and T of that map
 *
 * The state stays in the tower basis between rounds; round keys are brought there once, and carry the S-box's constant.
 * Rows are not shifted: the rotations within columns are, a different one each round, and so are the round keys. The
 * last round puts all bytes in place.
 *
 * A slot: 11 round keys to encrypt, 11 to decrypt, the IV.
 */

export const SLOT_BYTES: usize = 368;
const DECRYPT: usize = 176;
/** The first round key is the key itself; the host finds it, and the IV behind it, here. */
export const SLOT_KEY: usize = 336;
const IV: usize = 352;
const LAST_KEY: usize = 160;

/** 1/x and a/x of a nibble. */
const INVERSES: usize = memory.data<u8>([
  0x80, 0x01, 0x08, 0x0d, 0x0f, 0x06, 0x05, 0x0e, 0x02, 0x0c, 0x0b, 0x0a, 0x09, 0x03, 0x07, 0x04,
  0x80, 0x07, 0x0b, 0x0f, 0x06, 0x0a, 0x04, 0x01, 0x09, 0x08, 0x05, 0x02, 0x0c, 0x0e, 0x0d, 0x03,
], 16);
/** Into the tower basis: of the low nibble and of the high one. */
const INTO: usize = memory.data<u8>([
  0x00, 0x70, 0x2a, 0x5a, 0x98, 0xe8, 0xb2, 0xc2, 0x08, 0x78, 0x22, 0x52, 0x90, 0xe0, 0xba, 0xca,
  0x00, 0x4d, 0x7c, 0x31, 0x7d, 0x30, 0x01, 0x4c, 0x81, 0xcc, 0xfd, 0xb0, 0xfc, 0xb1, 0x80, 0xcd,
], 16);
/** The S-box without its constant, in the tower basis: once and twice. */
const SUB1: usize = memory.data<u8>([
  0x00, 0x3e, 0x50, 0xcb, 0x8f, 0xe1, 0x9b, 0xb1, 0x44, 0xf5, 0x2a, 0x14, 0x6e, 0x7a, 0xdf, 0xa5,
  0x00, 0x23, 0xe2, 0xfa, 0x15, 0xd4, 0x18, 0x36, 0xef, 0xd9, 0x2e, 0x0d, 0xc1, 0xcc, 0xf7, 0x3b,
], 16);
const SUB2: usize = memory.data<u8>([
  0x00, 0x24, 0x71, 0x0b, 0xc6, 0x93, 0x7a, 0xe2, 0xcd, 0x2f, 0x98, 0xbc, 0x55, 0xe9, 0xb7, 0x5e,
  0x00, 0x29, 0xe1, 0x0a, 0x40, 0x88, 0xeb, 0x69, 0x4a, 0x23, 0x82, 0xab, 0xc8, 0x63, 0xa1, 0xc2,
], 16);
/** The same, in the basis of AES: the last round. */
const SUB_OUT: usize = memory.data<u8>([
  0x00, 0xc7, 0xbd, 0x6f, 0x17, 0x6d, 0xd2, 0xd0, 0x78, 0xa8, 0x02, 0xc5, 0x7a, 0xbf, 0xaa, 0x15,
  0x00, 0x6a, 0xbb, 0x5f, 0xa5, 0x74, 0xe4, 0xcf, 0xfa, 0x35, 0x2b, 0x41, 0xd1, 0x90, 0x1e, 0x8e,
], 16);
/** Into the basis of the inverse cipher, where the S-box's own linear map is undone already. */
const INVERSE_INTO: usize = memory.data<u8>([
  0x00, 0x5f, 0x54, 0x0b, 0x04, 0x5b, 0x50, 0x0f, 0x1a, 0x45, 0x4e, 0x11, 0x1e, 0x41, 0x4a, 0x15,
  0x00, 0x65, 0x05, 0x60, 0xe6, 0x83, 0xe3, 0x86, 0x94, 0xf1, 0x91, 0xf4, 0x72, 0x17, 0x77, 0x12,
], 16);
/** The inverse S-box, times 9, 13, 11 and 14. */
const INVERSE_SUB9: usize = memory.data<u8>([
  0x00, 0xd6, 0x86, 0x9a, 0x53, 0x03, 0x1c, 0x85, 0xc9, 0x4c, 0x99, 0x4f, 0x50, 0x1f, 0xd5, 0xca,
  0x00, 0x49, 0xd7, 0xec, 0x89, 0x17, 0x3b, 0xc0, 0x65, 0xa5, 0xfb, 0xb2, 0x9e, 0x2c, 0x5e, 0x72,
], 16);
const INVERSE_SUB13: usize = memory.data<u8>([
  0x00, 0xa2, 0xb1, 0xe6, 0xdf, 0xcc, 0x57, 0x7d, 0x39, 0x44, 0x2a, 0x88, 0x13, 0x9b, 0x6e, 0xf5,
  0x00, 0xcb, 0xc6, 0x24, 0xf7, 0xfa, 0xe2, 0x3c, 0xd3, 0xef, 0xde, 0x15, 0x0d, 0x18, 0x31, 0x29,
], 16);
const INVERSE_SUB11: usize = memory.data<u8>([
  0x00, 0x42, 0xb4, 0x96, 0x92, 0x64, 0x22, 0xd0, 0x04, 0xd4, 0xf2, 0xb0, 0xf6, 0x46, 0x26, 0x60,
  0x00, 0x67, 0x59, 0xcd, 0xa6, 0x98, 0x94, 0xc1, 0x6b, 0xaa, 0x55, 0x32, 0x3e, 0x0c, 0xff, 0xf3,
], 16);
const INVERSE_SUB14: usize = memory.data<u8>([
  0x00, 0xd0, 0xd4, 0x26, 0x96, 0x92, 0xf2, 0x46, 0xb0, 0xf6, 0xb4, 0x64, 0x04, 0x60, 0x42, 0x22,
  0x00, 0xc1, 0xaa, 0xff, 0xcd, 0xa6, 0x55, 0x0c, 0x32, 0x3e, 0x59, 0x98, 0x6b, 0xf3, 0x67, 0x94,
], 16);
const INVERSE_SUB_OUT: usize = memory.data<u8>([
  0x00, 0x40, 0xf9, 0x7e, 0x53, 0xea, 0x87, 0x13, 0x2d, 0x3e, 0x94, 0xd4, 0xb9, 0x6d, 0xaa, 0xc7,
  0x00, 0x1d, 0x44, 0x93, 0x0f, 0x56, 0xd7, 0x12, 0x9c, 0x8e, 0xc5, 0xd8, 0x59, 0x81, 0x4b, 0xca,
], 16);
/** Constants that are loaded are not rebuilt at each use. */
const LOW: usize = memory.data<u8>([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15], 16);
/** Rotation of columns by one and by three bytes, for rows that were left unshifted 0 to 3 times. */
const ROTATIONS: usize = memory.data<u8>([
  0x01, 0x02, 0x03, 0x00, 0x05, 0x06, 0x07, 0x04, 0x09, 0x0a, 0x0b, 0x08, 0x0d, 0x0e, 0x0f, 0x0c,
  0x03, 0x00, 0x01, 0x02, 0x07, 0x04, 0x05, 0x06, 0x0b, 0x08, 0x09, 0x0a, 0x0f, 0x0c, 0x0d, 0x0e,
  0x05, 0x06, 0x07, 0x04, 0x09, 0x0a, 0x0b, 0x08, 0x0d, 0x0e, 0x0f, 0x0c, 0x01, 0x02, 0x03, 0x00,
  0x0f, 0x0c, 0x0d, 0x0e, 0x03, 0x00, 0x01, 0x02, 0x07, 0x04, 0x05, 0x06, 0x0b, 0x08, 0x09, 0x0a,
  0x09, 0x0a, 0x0b, 0x08, 0x0d, 0x0e, 0x0f, 0x0c, 0x01, 0x02, 0x03, 0x00, 0x05, 0x06, 0x07, 0x04,
  0x0b, 0x08, 0x09, 0x0a, 0x0f, 0x0c, 0x0d, 0x0e, 0x03, 0x00, 0x01, 0x02, 0x07, 0x04, 0x05, 0x06,
  0x0d, 0x0e, 0x0f, 0x0c, 0x01, 0x02, 0x03, 0x00, 0x05, 0x06, 0x07, 0x04, 0x09, 0x0a, 0x0b, 0x08,
  0x07, 0x04, 0x05, 0x06, 0x0b, 0x08, 0x09, 0x0a, 0x0f, 0x0c, 0x0d, 0x0e, 0x03, 0x00, 0x01, 0x02,
], 16);
/** Rows shifted back 0 to 3 times. */
const UNSHIFT: usize = memory.data<u8>([
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
  0x00, 0x0d, 0x0a, 0x07, 0x04, 0x01, 0x0e, 0x0b, 0x08, 0x05, 0x02, 0x0f, 0x0c, 0x09, 0x06, 0x03,
  0x00, 0x09, 0x02, 0x0b, 0x04, 0x0d, 0x06, 0x0f, 0x08, 0x01, 0x0a, 0x03, 0x0c, 0x05, 0x0e, 0x07,
  0x00, 0x05, 0x0a, 0x0f, 0x04, 0x09, 0x0e, 0x03, 0x08, 0x0d, 0x02, 0x07, 0x0c, 0x01, 0x06, 0x0b,
], 16);
const ROTATED_WORD: usize = memory.data<u8>([13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12], 16);

@inline
function lookup(table: v128, index: v128): v128 {
  return i8x16.relaxed_swizzle(table, index);
}

@inline
function xor(a: v128, b: v128): v128 {
  return v128.xor(a, b);
}

@inline
function highNibbles(x: v128, low: v128): v128 {
  return v128.and(i32x4.shr_u(x, 4), low);
}

/** A linear map given by its values for low and for high nibbles. */
@inline
function mapped(x: v128, tables: usize): v128 {
  const low = v128.load(LOW);
  return xor(
    lookup(v128.load(tables), v128.and(x, low)),
    lookup(v128.load(tables, 16), highNibbles(x, low)),
  );
}

// ---- keys

/** A map of 1/x, out of the tower basis. */
@inline
function substituted(x: v128, tables: usize): v128 {
  const low = v128.load(LOW);
  const inverse = v128.load(INVERSES);
  const i = highNibbles(x, low);
  const k = v128.and(x, low);
  const ak = lookup(v128.load(INVERSES, 16), k);
  const j = xor(i, k);
  const io = xor(lookup(inverse, xor(lookup(inverse, i), ak)), j);
  const jo = xor(lookup(inverse, xor(lookup(inverse, j), ak)), i);
  return xor(lookup(v128.load(tables), io), lookup(v128.load(tables, 16), jo));
}

/** Every byte times x in the field of AES. */
@inline
function doubled(x: v128): v128 {
  return xor(i8x16.add(x, x), v128.and(i8x16.shr_s(x, 7), i8x16.splat(0x1b)));
}

function mixed(x: v128): v128 {
  const rotate1 = v128.load(ROTATIONS);
  const half = xor(doubled(x), lookup(x, rotate1));
  return xor(xor(half, lookup(half, rotate1)), lookup(x, v128.load(ROTATIONS, 16)));
}

/** The round keys of `key`, both ways, and the IV behind them. */
export function fillSlot(slot: usize, key: usize, iv: usize): void {
  const constant = i8x16.splat(0x63);
  let round = v128.load(key);
  v128.store(slot, mapped(round, INTO));
  v128.store(slot, round, DECRYPT + LAST_KEY);
  let roundConstant: u32 = 1;
  for (let index: usize = 1; index <= 10; index++) {
    let word = lookup(round, v128.load(ROTATED_WORD));
    word = xor(substituted(mapped(word, INTO), SUB_OUT), constant);
    word = xor(word, i32x4.splat(roundConstant));
    roundConstant = (roundConstant << 1) ^ (roundConstant & 0x80 ? 0x11b : 0);
    const zero = i32x4.splat(0);
    round = xor(round, v128.shuffle<u32>(zero, round, 0, 4, 5, 6));
    round = xor(round, v128.shuffle<u32>(zero, round, 0, 1, 4, 5));
    round = xor(round, word);
    const decrypt = slot + DECRYPT + 16 * (10 - index);
    if (index === 10) {
      v128.store(slot, xor(round, constant), LAST_KEY);
      v128.store(decrypt, mapped(xor(round, constant), INVERSE_INTO));
    } else {
      const unshifted = lookup(xor(round, constant), v128.load(UNSHIFT + 16 * (index & 3)));
      v128.store(slot + 16 * index, mapped(unshifted, INTO));
      const inverseMixed = mixed(mixed(mixed(round)));
      v128.store(decrypt, mapped(xor(inverseMixed, constant), INVERSE_INTO));
    }
  }
  v128.store(slot, v128.load(iv), IV);
}

// ---- encryption

/** The tables are parameters so that they are loaded once, not rebuilt in every round. */
@inline
function encryptRound(
  x: v128,
  key: v128,
  rotate1: v128,
  rotate3: v128,
  low: v128,
  inverse: v128,
  inverseA: v128,
  sub1u: v128,
  sub1t: v128,
  sub2u: v128,
  sub2t: v128,
): v128 {
  const i = highNibbles(x, low);
  const k = v128.and(x, low);
  const ak = lookup(inverseA, k);
  const j = xor(i, k);
  const io = xor(lookup(inverse, xor(lookup(inverse, i), ak)), j);
  const jo = xor(lookup(inverse, xor(lookup(inverse, j), ak)), i);
  const once = xor(lookup(sub1u, io), lookup(sub1t, jo));
  const half = xor(xor(lookup(sub2u, io), lookup(sub2t, jo)), lookup(once, rotate1));
  return xor(xor(xor(half, key), lookup(once, rotate3)), lookup(half, rotate1));
}

/** The last round: all bytes to their places. */
@inline
function encryptLast(x: v128, slot: usize): v128 {
  return xor(lookup(substituted(x, SUB_OUT), v128.load(UNSHIFT + 32)), v128.load(slot, LAST_KEY));
}

/** Encrypts `blocks` blocks, padding included, in CBC mode. */
export function encrypt(slot: usize, from: usize, to: usize, blocks: usize): void {
  const low = v128.load(LOW);
  const inverse = v128.load(INVERSES);
  const inverseA = v128.load(INVERSES, 16);
  const sub1u = v128.load(SUB1);
  const sub1t = v128.load(SUB1, 16);
  const sub2u = v128.load(SUB2);
  const sub2t = v128.load(SUB2, 16);
  let x = v128.load(slot, IV);
  for (const end = to + (blocks << 4); to < end; to += 16) {
    x = xor(mapped(xor(x, v128.load(from)), INTO), v128.load(slot));
    for (let round: usize = 1; round < 10; round++) {
      const rotation = ROTATIONS + ((round & 3) << 5);
      x = encryptRound(
        x, v128.load(slot + (round << 4)), v128.load(rotation), v128.load(rotation, 16),
        low, inverse, inverseA, sub1u, sub1t, sub2u, sub2t,
      );
    }
    x = encryptLast(x, slot);
    v128.store(to, x);
    from += 16;
  }
}

/** The same for four sessions in step: one chain alone would leave the processor waiting for it. */
export function encryptFour(
  slot0: usize, slot1: usize, slot2: usize, slot3: usize,
  from0: usize, from1: usize, from2: usize, from3: usize,
  to0: usize, to1: usize, to2: usize, to3: usize,
  blocks: usize,
): void {
  const low = v128.load(LOW);
  const inverse = v128.load(INVERSES);
  const inverseA = v128.load(INVERSES, 16);
  const sub1u = v128.load(SUB1);
  const sub1t = v128.load(SUB1, 16);
  const sub2u = v128.load(SUB2);
  const sub2t = v128.load(SUB2, 16);
  let a = v128.load(slot0, IV);
  let b = v128.load(slot1, IV);
  let c = v128.load(slot2, IV);
  let d = v128.load(slot3, IV);
  for (let at: usize = 0, end = blocks << 4; at < end; at += 16) {
    a = xor(mapped(xor(a, v128.load(from0 + at)), INTO), v128.load(slot0));
    b = xor(mapped(xor(b, v128.load(from1 + at)), INTO), v128.load(slot1));
    c = xor(mapped(xor(c, v128.load(from2 + at)), INTO), v128.load(slot2));
    d = xor(mapped(xor(d, v128.load(from3 + at)), INTO), v128.load(slot3));
    for (let key: usize = 16; key < LAST_KEY; key += 16) {
      const rotation = ROTATIONS + ((key & 0x30) << 1);
      const rotate1 = v128.load(rotation);
      const rotate3 = v128.load(rotation, 16);
      a = encryptRound(
        a, v128.load(slot0 + key), rotate1, rotate3, low, inverse, inverseA, sub1u, sub1t, sub2u, sub2t,
      );
      b = encryptRound(
        b, v128.load(slot1 + key), rotate1, rotate3, low, inverse, inverseA, sub1u, sub1t, sub2u, sub2t,
      );
      c = encryptRound(
        c, v128.load(slot2 + key), rotate1, rotate3, low, inverse, inverseA, sub1u, sub1t, sub2u, sub2t,
      );
      d = encryptRound(
        d, v128.load(slot3 + key), rotate1, rotate3, low, inverse, inverseA, sub1u, sub1t, sub2u, sub2t,
      );
    }
    a = encryptLast(a, slot0);
    b = encryptLast(b, slot1);
    c = encryptLast(c, slot2);
    d = encryptLast(d, slot3);
    v128.store(to0 + at, a);
    v128.store(to1 + at, b);
    v128.store(to2 + at, c);
    v128.store(to3 + at, d);
  }
}

// ---- decryption

@inline
function decryptRound(x: v128, key: v128): v128 {
  const low = v128.load(LOW);
  const inverse = v128.load(INVERSES);
  const rotate1 = v128.load(ROTATIONS);
  x = lookup(x, v128.load(UNSHIFT, 16));
  const i = highNibbles(x, low);
  const k = v128.and(x, low);
  const ak = lookup(v128.load(INVERSES, 16), k);
  const j = xor(i, k);
  const io = xor(lookup(inverse, xor(lookup(inverse, i), ak)), j);
  const jo = xor(lookup(inverse, xor(lookup(inverse, j), ak)), i);
  let sum = xor(lookup(v128.load(INVERSE_SUB9), io), lookup(v128.load(INVERSE_SUB9, 16), jo));
  sum = lookup(sum, rotate1);
  sum = xor(sum, xor(lookup(v128.load(INVERSE_SUB13), io), lookup(v128.load(INVERSE_SUB13, 16), jo)));
  sum = lookup(sum, rotate1);
  sum = xor(sum, xor(lookup(v128.load(INVERSE_SUB11), io), lookup(v128.load(INVERSE_SUB11, 16), jo)));
  sum = lookup(sum, rotate1);
  sum = xor(sum, xor(lookup(v128.load(INVERSE_SUB14), io), lookup(v128.load(INVERSE_SUB14, 16), jo)));
  return xor(sum, key);
}

@inline
function decryptLast(x: v128, key: v128): v128 {
  return xor(substituted(lookup(x, v128.load(UNSHIFT, 16)), INVERSE_SUB_OUT), key);
}

/**
 * Decrypts `blocks` blocks in CBC mode, four in step: here they do not wait for each other. Three at the end go as four,
 * and what was read behind them is not written; one or two go alone.
 */
export function decrypt(slot: usize, from: usize, to: usize, blocks: usize): void {
  const keys = slot + DECRYPT;
  let previous = v128.load(slot, IV);
  const end = to + (blocks << 4);
  for (; to + 32 < end; to += 64) {
    const block0 = v128.load(from);
    const block1 = v128.load(from, 16);
    const block2 = v128.load(from, 32);
    const block3 = v128.load(from, 48);
    const first = v128.load(keys);
    let a = xor(mapped(block0, INVERSE_INTO), first);
    let b = xor(mapped(block1, INVERSE_INTO), first);
    let c = xor(mapped(block2, INVERSE_INTO), first);
    let d = xor(mapped(block3, INVERSE_INTO), first);
    for (let at: usize = 16; at < LAST_KEY; at += 16) {
      const key = v128.load(keys + at);
      a = decryptRound(a, key);
      b = decryptRound(b, key);
      c = decryptRound(c, key);
      d = decryptRound(d, key);
    }
    const last = v128.load(keys, LAST_KEY);
    v128.store(to, xor(decryptLast(a, last), previous));
    v128.store(to, xor(decryptLast(b, last), block0), 16);
    v128.store(to, xor(decryptLast(c, last), block1), 32);
    if (to + 48 < end) v128.store(to, xor(decryptLast(d, last), block2), 48);
    previous = block3;
    from += 64;
  }
  for (; to < end; to += 16) {
    const block = v128.load(from);
    let x = xor(mapped(block, INVERSE_INTO), v128.load(keys));
    for (let at: usize = 16; at < LAST_KEY; at += 16) x = decryptRound(x, v128.load(keys + at));
    v128.store(to, xor(decryptLast(x, v128.load(keys, LAST_KEY)), previous));
    previous = block;
    from += 16;
  }
}
