/**
 * AES-128 in CBC mode over 32-bit words, with lookup tables: fast for the short texts of a chat. The tables make its
 * timing depend on the key, so it hides nothing from other code on the same machine. The protocol's own limits (a fixed
 * IV, no MAC) are far weaker than that; whoever needs secrecy needs TLS.
 *
 * A schedule is 88 words: 44 round keys to encrypt, then 44 to decrypt.
 *
 * Two rounds per turn of the loop, from a–d to e–h and back, and one small function per column: written this way the
 * compiler keeps the state in registers, which makes it a third faster than one round per turn.
 */

export const BLOCK_BYTES = 16;
const ROUNDS = 10;
const ROUND_KEY_WORDS = 4 * (ROUNDS + 1);

const sbox = new Uint8Array(256);
const inverseSbox = new Uint8Array(256);
/** Four tables of 256 words in one array: substitution and mix of columns, for each byte of a word. */
const encryptTable = new Int32Array(1024);
const decryptTable = new Int32Array(1024);
fillTables();

/** `key` has 16 bytes. */
export function createAesSchedule(key: Uint8Array): Int32Array {
  const schedule = new Int32Array(2 * ROUND_KEY_WORDS);
  const view = new DataView(key.buffer, key.byteOffset, BLOCK_BYTES);
  for (let index = 0; index < 4; index++) schedule[index] = view.getInt32(4 * index);
  let roundConstant = 1;
  for (let index = 4; index < ROUND_KEY_WORDS; index++) {
    let word = schedule[index - 1]!;
    if (index % 4 === 0) {
      word = (word << 8) | (word >>> 24);
      word = lastColumn(word, word, word, word) ^ (roundConstant << 24);
      roundConstant = double(roundConstant);
    }
    schedule[index] = schedule[index - 4]! ^ word;
  }
  // The equivalent inverse cipher: the rounds backwards, the inner ones through the inverse mix of columns.
  for (let round = 0; round <= ROUNDS; round++) {
    for (let column = 0; column < 4; column++) {
      const word = schedule[4 * (ROUNDS - round) + column]!;
      const isOuter = round === 0 || round === ROUNDS;
      const mixed = lastColumn(word, word, word, word);
      schedule[ROUND_KEY_WORDS + 4 * round + column] = isOuter ? word : inverseColumn(mixed, mixed, mixed, mixed);
    }
  }
  return schedule;
}

/** Encrypts `blocks` blocks from the start of `plain` into `cipher`, as big-endian words. The caller did the padding. */
export function encryptCbc(
  schedule: Int32Array,
  iv: Int32Array,
  plain: DataView,
  blocks: number,
  cipher: Int32Array,
): void {
  let a = iv[0]!;
  let b = iv[1]!;
  let c = iv[2]!;
  let d = iv[3]!;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    a ^= plain.getInt32(at) ^ schedule[0]!;
    b ^= plain.getInt32(at + 4) ^ schedule[1]!;
    c ^= plain.getInt32(at + 8) ^ schedule[2]!;
    d ^= plain.getInt32(at + 12) ^ schedule[3]!;
    for (let key = 4; ; key += 8) {
      e = column(a, b, c, d) ^ schedule[key]!;
      f = column(b, c, d, a) ^ schedule[key + 1]!;
      g = column(c, d, a, b) ^ schedule[key + 2]!;
      h = column(d, a, b, c) ^ schedule[key + 3]!;
      if (key === 36) break;
      a = column(e, f, g, h) ^ schedule[key + 4]!;
      b = column(f, g, h, e) ^ schedule[key + 5]!;
      c = column(g, h, e, f) ^ schedule[key + 6]!;
      d = column(h, e, f, g) ^ schedule[key + 7]!;
    }
    a = lastColumn(e, f, g, h) ^ schedule[40]!;
    b = lastColumn(f, g, h, e) ^ schedule[41]!;
    c = lastColumn(g, h, e, f) ^ schedule[42]!;
    d = lastColumn(h, e, f, g) ^ schedule[43]!;
    const word = 4 * block;
    cipher[word] = a;
    cipher[word + 1] = b;
    cipher[word + 2] = c;
    cipher[word + 3] = d;
  }
}

/** Decrypts `blocks` blocks in place, padding included. */
export function decryptCbc(schedule: Int32Array, iv: Int32Array, text: DataView, blocks: number): void {
  let previousA = iv[0]!;
  let previousB = iv[1]!;
  let previousC = iv[2]!;
  let previousD = iv[3]!;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    const cipherA = text.getInt32(at);
    const cipherB = text.getInt32(at + 4);
    const cipherC = text.getInt32(at + 8);
    const cipherD = text.getInt32(at + 12);
    let a = cipherA ^ schedule[44]!;
    let b = cipherB ^ schedule[45]!;
    let c = cipherC ^ schedule[46]!;
    let d = cipherD ^ schedule[47]!;
    for (let key = 48; ; key += 8) {
      e = inverseColumn(a, d, c, b) ^ schedule[key]!;
      f = inverseColumn(b, a, d, c) ^ schedule[key + 1]!;
      g = inverseColumn(c, b, a, d) ^ schedule[key + 2]!;
      h = inverseColumn(d, c, b, a) ^ schedule[key + 3]!;
      if (key === 80) break;
      a = inverseColumn(e, h, g, f) ^ schedule[key + 4]!;
      b = inverseColumn(f, e, h, g) ^ schedule[key + 5]!;
      c = inverseColumn(g, f, e, h) ^ schedule[key + 6]!;
      d = inverseColumn(h, g, f, e) ^ schedule[key + 7]!;
    }
    text.setInt32(at, lastInverseColumn(e, h, g, f) ^ schedule[84]! ^ previousA);
    text.setInt32(at + 4, lastInverseColumn(f, e, h, g) ^ schedule[85]! ^ previousB);
    text.setInt32(at + 8, lastInverseColumn(g, f, e, h) ^ schedule[86]! ^ previousC);
    text.setInt32(at + 12, lastInverseColumn(h, g, f, e) ^ schedule[87]! ^ previousD);
    previousA = cipherA;
    previousB = cipherB;
    previousC = cipherC;
    previousD = cipherD;
  }
}

/** One column of a round: a byte of each word, substituted, shifted and mixed. */
function column(first: number, second: number, third: number, fourth: number): number {
  return (
    encryptTable[first >>> 24]! ^
    encryptTable[256 + ((second >>> 16) & 0xff)]! ^
    encryptTable[512 + ((third >>> 8) & 0xff)]! ^
    encryptTable[768 + (fourth & 0xff)]!
  );
}

function inverseColumn(first: number, second: number, third: number, fourth: number): number {
  return (
    decryptTable[first >>> 24]! ^
    decryptTable[256 + ((second >>> 16) & 0xff)]! ^
    decryptTable[512 + ((third >>> 8) & 0xff)]! ^
    decryptTable[768 + (fourth & 0xff)]!
  );
}

/** The last round has no mix of columns. */
function lastColumn(first: number, second: number, third: number, fourth: number): number {
  return (
    (sbox[first >>> 24]! << 24) |
    (sbox[(second >>> 16) & 0xff]! << 16) |
    (sbox[(third >>> 8) & 0xff]! << 8) |
    sbox[fourth & 0xff]!
  );
}

function lastInverseColumn(first: number, second: number, third: number, fourth: number): number {
  return (
    (inverseSbox[first >>> 24]! << 24) |
    (inverseSbox[(second >>> 16) & 0xff]! << 16) |
    (inverseSbox[(third >>> 8) & 0xff]! << 8) |
    inverseSbox[fourth & 0xff]!
  );
}

/** Multiplication by x in the field of AES. */
function double(value: number): number {
  return ((value << 1) ^ (value & 0x80 ? 0x11b : 0)) & 0xff;
}

/** S-boxes and tables are computed, once, instead of printed. */
function fillTables(): void {
  // 3 generates the field: `value` runs through all elements but 0 and `inverse` through their inverses.
  let value = 1;
  let inverse = 1;
  do {
    value ^= double(value);
    inverse ^= inverse << 1;
    inverse ^= inverse << 2;
    inverse ^= inverse << 4;
    inverse &= 0xff;
    if (inverse & 0x80) inverse ^= 0x09;
    sbox[value] =
      0x63 ^
      inverse ^
      rotateByte(inverse, 1) ^
      rotateByte(inverse, 2) ^
      rotateByte(inverse, 3) ^
      rotateByte(inverse, 4);
  } while (value !== 1);
  sbox[0] = 0x63;
  for (let input = 0; input < 256; input++) {
    const output = sbox[input]!;
    inverseSbox[output] = input;
    const outputTwice = double(output);
    fillRow(encryptTable, input, (outputTwice << 24) | (output << 16) | (output << 8) | (outputTwice ^ output));
    const two = double(input);
    const four = double(two);
    const eight = double(four);
    fillRow(
      decryptTable,
      output,
      ((eight ^ four ^ two) << 24) | ((eight ^ input) << 16) | ((eight ^ four ^ input) << 8) | (eight ^ two ^ input),
    );
  }
}

function fillRow(table: Int32Array, index: number, word: number): void {
  table[index] = word;
  table[256 + index] = (word >>> 8) | (word << 24);
  table[512 + index] = (word >>> 16) | (word << 16);
  table[768 + index] = (word >>> 24) | (word << 8);
}

function rotateByte(value: number, count: number): number {
  return ((value << count) | (value >>> (8 - count))) & 0xff;
}
