/**
 * AES-128 in CBC mode over 32-bit words, with lookup tables. Fast for the short texts of a chat; the tables make its
 * timing depend on the key, so it hides nothing from code that runs on the same machine. The protocol's own limits
 * (a fixed IV, no MAC) are far weaker than that; whoever needs secrecy needs TLS.
 *
 * A schedule is 88 words: 44 round keys to encrypt, then 44 to decrypt.
 */

export const BLOCK_BYTES = 16;
const ROUNDS = 10;
const ROUND_KEY_WORDS = 4 * (ROUNDS + 1);

const tables = buildTables();
const { sbox, inverseSbox, encrypt0, encrypt1, encrypt2, encrypt3, decrypt0, decrypt1, decrypt2, decrypt3 } = tables;

/** `key` has 16 bytes. */
export function createAesSchedule(key: Uint8Array): Int32Array {
  const schedule = new Int32Array(2 * ROUND_KEY_WORDS);
  const view = new DataView(key.buffer, key.byteOffset, BLOCK_BYTES);
  for (let index = 0; index < 4; index++) schedule[index] = view.getInt32(4 * index);
  let roundConstant = 1;
  for (let index = 4; index < ROUND_KEY_WORDS; index++) {
    let word = schedule[index - 1]!;
    if (index % 4 === 0) {
      word = substitute((word << 8) | (word >>> 24)) ^ (roundConstant << 24);
      roundConstant = double(roundConstant);
    }
    schedule[index] = schedule[index - 4]! ^ word;
  }
  // The equivalent inverse cipher: the rounds backwards, the inner ones through the inverse mix of columns.
  for (let round = 0; round <= ROUNDS; round++) {
    for (let column = 0; column < 4; column++) {
      const word = schedule[4 * (ROUNDS - round) + column]!;
      const isOuter = round === 0 || round === ROUNDS;
      schedule[ROUND_KEY_WORDS + 4 * round + column] = isOuter
        ? word
        : decrypt0[sbox[word >>> 24]!]! ^
          decrypt1[sbox[(word >>> 16) & 0xff]!]! ^
          decrypt2[sbox[(word >>> 8) & 0xff]!]! ^
          decrypt3[sbox[word & 0xff]!]!;
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
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    a ^= plain.getInt32(at) ^ schedule[0]!;
    b ^= plain.getInt32(at + 4) ^ schedule[1]!;
    c ^= plain.getInt32(at + 8) ^ schedule[2]!;
    d ^= plain.getInt32(at + 12) ^ schedule[3]!;
    let k = 4;
    for (let round = 1; round < ROUNDS; round++) {
      const w =
        encrypt0[a >>> 24]! ^
        encrypt1[(b >>> 16) & 0xff]! ^
        encrypt2[(c >>> 8) & 0xff]! ^
        encrypt3[d & 0xff]! ^
        schedule[k]!;
      const x =
        encrypt0[b >>> 24]! ^
        encrypt1[(c >>> 16) & 0xff]! ^
        encrypt2[(d >>> 8) & 0xff]! ^
        encrypt3[a & 0xff]! ^
        schedule[k + 1]!;
      const y =
        encrypt0[c >>> 24]! ^
        encrypt1[(d >>> 16) & 0xff]! ^
        encrypt2[(a >>> 8) & 0xff]! ^
        encrypt3[b & 0xff]! ^
        schedule[k + 2]!;
      d =
        encrypt0[d >>> 24]! ^
        encrypt1[(a >>> 16) & 0xff]! ^
        encrypt2[(b >>> 8) & 0xff]! ^
        encrypt3[c & 0xff]! ^
        schedule[k + 3]!;
      a = w;
      b = x;
      c = y;
      k += 4;
    }
    const w = lastColumn(sbox, a, b, c, d) ^ schedule[40]!;
    const x = lastColumn(sbox, b, c, d, a) ^ schedule[41]!;
    const y = lastColumn(sbox, c, d, a, b) ^ schedule[42]!;
    d = lastColumn(sbox, d, a, b, c) ^ schedule[43]!;
    a = w;
    b = x;
    c = y;
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
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    const cipherA = text.getInt32(at);
    const cipherB = text.getInt32(at + 4);
    const cipherC = text.getInt32(at + 8);
    const cipherD = text.getInt32(at + 12);
    let k = ROUND_KEY_WORDS;
    let a = cipherA ^ schedule[k]!;
    let b = cipherB ^ schedule[k + 1]!;
    let c = cipherC ^ schedule[k + 2]!;
    let d = cipherD ^ schedule[k + 3]!;
    k += 4;
    for (let round = 1; round < ROUNDS; round++) {
      const w =
        decrypt0[a >>> 24]! ^
        decrypt1[(d >>> 16) & 0xff]! ^
        decrypt2[(c >>> 8) & 0xff]! ^
        decrypt3[b & 0xff]! ^
        schedule[k]!;
      const x =
        decrypt0[b >>> 24]! ^
        decrypt1[(a >>> 16) & 0xff]! ^
        decrypt2[(d >>> 8) & 0xff]! ^
        decrypt3[c & 0xff]! ^
        schedule[k + 1]!;
      const y =
        decrypt0[c >>> 24]! ^
        decrypt1[(b >>> 16) & 0xff]! ^
        decrypt2[(a >>> 8) & 0xff]! ^
        decrypt3[d & 0xff]! ^
        schedule[k + 2]!;
      d =
        decrypt0[d >>> 24]! ^
        decrypt1[(c >>> 16) & 0xff]! ^
        decrypt2[(b >>> 8) & 0xff]! ^
        decrypt3[a & 0xff]! ^
        schedule[k + 3]!;
      a = w;
      b = x;
      c = y;
      k += 4;
    }
    text.setInt32(at, lastColumn(inverseSbox, a, d, c, b) ^ schedule[k]! ^ previousA);
    text.setInt32(at + 4, lastColumn(inverseSbox, b, a, d, c) ^ schedule[k + 1]! ^ previousB);
    text.setInt32(at + 8, lastColumn(inverseSbox, c, b, a, d) ^ schedule[k + 2]! ^ previousC);
    text.setInt32(at + 12, lastColumn(inverseSbox, d, c, b, a) ^ schedule[k + 3]! ^ previousD);
    previousA = cipherA;
    previousB = cipherB;
    previousC = cipherC;
    previousD = cipherD;
  }
}

/** The last round has no mix of columns: four substituted bytes, one of each word. */
function lastColumn(box: Uint8Array, first: number, second: number, third: number, fourth: number): number {
  return (
    (box[first >>> 24]! << 24) |
    (box[(second >>> 16) & 0xff]! << 16) |
    (box[(third >>> 8) & 0xff]! << 8) |
    box[fourth & 0xff]!
  );
}

function substitute(word: number): number {
  return lastColumn(sbox, word, word, word, word);
}

/** Multiplication by x in the field of AES. */
function double(value: number): number {
  return ((value << 1) ^ (value & 0x80 ? 0x11b : 0)) & 0xff;
}

interface AesTables {
  readonly sbox: Uint8Array;
  readonly inverseSbox: Uint8Array;
  readonly encrypt0: Int32Array;
  readonly encrypt1: Int32Array;
  readonly encrypt2: Int32Array;
  readonly encrypt3: Int32Array;
  readonly decrypt0: Int32Array;
  readonly decrypt1: Int32Array;
  readonly decrypt2: Int32Array;
  readonly decrypt3: Int32Array;
}

/** S-box and the combined tables of substitution and mix of columns, computed instead of printed. */
function buildTables(): AesTables {
  const built: AesTables = {
    sbox: new Uint8Array(256),
    inverseSbox: new Uint8Array(256),
    encrypt0: new Int32Array(256),
    encrypt1: new Int32Array(256),
    encrypt2: new Int32Array(256),
    encrypt3: new Int32Array(256),
    decrypt0: new Int32Array(256),
    decrypt1: new Int32Array(256),
    decrypt2: new Int32Array(256),
    decrypt3: new Int32Array(256),
  };
  // 3 generates the field: `value` runs through all its elements but 0, `inverse` through their inverses.
  let value = 1;
  let inverse = 1;
  do {
    value = value ^ double(value);
    inverse ^= inverse << 1;
    inverse ^= inverse << 2;
    inverse ^= inverse << 4;
    inverse &= 0xff;
    if (inverse & 0x80) inverse ^= 0x09;
    const mixed =
      inverse ^ rotateByte(inverse, 1) ^ rotateByte(inverse, 2) ^ rotateByte(inverse, 3) ^ rotateByte(inverse, 4);
    built.sbox[value] = mixed ^ 0x63;
  } while (value !== 1);
  built.sbox[0] = 0x63;
  for (let input = 0; input < 256; input++) {
    const output = built.sbox[input]!;
    built.inverseSbox[output] = input;
    const twice = double(output);
    const forward = (twice << 24) | (output << 16) | (output << 8) | (twice ^ output);
    built.encrypt0[input] = forward;
    built.encrypt1[input] = (forward >>> 8) | (forward << 24);
    built.encrypt2[input] = (forward >>> 16) | (forward << 16);
    built.encrypt3[input] = (forward >>> 24) | (forward << 8);
    const two = double(input);
    const four = double(two);
    const eight = double(four);
    const backward =
      ((eight ^ four ^ two) << 24) | ((eight ^ input) << 16) | ((eight ^ four ^ input) << 8) | (eight ^ two ^ input);
    built.decrypt0[output] = backward;
    built.decrypt1[output] = (backward >>> 8) | (backward << 24);
    built.decrypt2[output] = (backward >>> 16) | (backward << 16);
    built.decrypt3[output] = (backward >>> 24) | (backward << 8);
  }
  return built;
}

function rotateByte(value: number, count: number): number {
  return ((value << count) | (value >>> (8 - count))) & 0xff;
}
