/**
 * MD5 over 32-bit little-endian words. The protocol wants it as a checksum of a ciphertext; nothing here relies on it
 * being collision-free. The 64 steps are written out: in a loop over tables they take twice the time.
 */

const BLOCK_WORDS = 16;

/** How many words the text of `byteLength` bytes takes with its padding. */
export function md5WordsNeeded(byteLength: number): number {
  return BLOCK_WORDS * (((byteLength + 8) >>> 6) + 1);
}

/**
 * Hashes the first `byteLength` bytes of `words`, a multiple of 4, into the four words of `digest`. `words` has room
 * for `md5WordsNeeded`: the padding is written behind the text.
 */
export function md5Words(words: Int32Array, byteLength: number, digest: Int32Array): void {
  const wordCount = md5WordsNeeded(byteLength);
  const textWords = byteLength >>> 2;
  words[textWords] = 0x80;
  words.fill(0, textWords + 1, wordCount - 2);
  words[wordCount - 2] = byteLength << 3;
  words[wordCount - 1] = byteLength >>> 29;
  digest[0] = 0x67452301;
  digest[1] = 0xefcdab89 | 0;
  digest[2] = 0x98badcfe | 0;
  digest[3] = 0x10325476;
  for (let at = 0; at < wordCount; at += BLOCK_WORDS) addBlock(words, at, digest);
}

/** The four words of a digest as 32 lowercase hex digits in ASCII. */
export function writeMd5Hex(digest: Int32Array, bytes: Uint8Array, offset: number): void {
  for (let index = 0; index < 16; index++) {
    const byte = (digest[index >>> 2]! >>> (8 * (index & 3))) & 0xff;
    bytes[offset + 2 * index] = hexDigit(byte >>> 4);
    bytes[offset + 2 * index + 1] = hexDigit(byte & 0x0f);
  }
}

/** Whether `text` is that digest in lowercase hex. Looks at all 32 digits, whichever is wrong. */
export function isMd5Hex(digest: Int32Array, text: string): boolean {
  if (text.length !== 32) return false;
  let difference = 0;
  for (let index = 0; index < 16; index++) {
    const byte = (digest[index >>> 2]! >>> (8 * (index & 3))) & 0xff;
    difference |= text.charCodeAt(2 * index) ^ hexDigit(byte >>> 4);
    difference |= text.charCodeAt(2 * index + 1) ^ hexDigit(byte & 0x0f);
  }
  return difference === 0;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function addBlock(words: Int32Array, at: number, digest: Int32Array): void {
  const x0 = words[at + 0]!;
  const x1 = words[at + 1]!;
  const x2 = words[at + 2]!;
  const x3 = words[at + 3]!;
  const x4 = words[at + 4]!;
  const x5 = words[at + 5]!;
  const x6 = words[at + 6]!;
  const x7 = words[at + 7]!;
  const x8 = words[at + 8]!;
  const x9 = words[at + 9]!;
  const x10 = words[at + 10]!;
  const x11 = words[at + 11]!;
  const x12 = words[at + 12]!;
  const x13 = words[at + 13]!;
  const x14 = words[at + 14]!;
  const x15 = words[at + 15]!;
  let a = digest[0]!;
  let b = digest[1]!;
  let c = digest[2]!;
  let d = digest[3]!;
  a = (a + ((b & c) | (~b & d)) + x0 - 680876936) | 0;
  a = (b + ((a << 7) | (a >>> 25))) | 0;
  d = (d + ((a & b) | (~a & c)) + x1 - 389564586) | 0;
  d = (a + ((d << 12) | (d >>> 20))) | 0;
  c = (c + ((d & a) | (~d & b)) + x2 + 606105819) | 0;
  c = (d + ((c << 17) | (c >>> 15))) | 0;
  b = (b + ((c & d) | (~c & a)) + x3 - 1044525330) | 0;
  b = (c + ((b << 22) | (b >>> 10))) | 0;
  a = (a + ((b & c) | (~b & d)) + x4 - 176418897) | 0;
  a = (b + ((a << 7) | (a >>> 25))) | 0;
  d = (d + ((a & b) | (~a & c)) + x5 + 1200080426) | 0;
  d = (a + ((d << 12) | (d >>> 20))) | 0;
  c = (c + ((d & a) | (~d & b)) + x6 - 1473231341) | 0;
  c = (d + ((c << 17) | (c >>> 15))) | 0;
  b = (b + ((c & d) | (~c & a)) + x7 - 45705983) | 0;
  b = (c + ((b << 22) | (b >>> 10))) | 0;
  a = (a + ((b & c) | (~b & d)) + x8 + 1770035416) | 0;
  a = (b + ((a << 7) | (a >>> 25))) | 0;
  d = (d + ((a & b) | (~a & c)) + x9 - 1958414417) | 0;
  d = (a + ((d << 12) | (d >>> 20))) | 0;
  c = (c + ((d & a) | (~d & b)) + x10 - 42063) | 0;
  c = (d + ((c << 17) | (c >>> 15))) | 0;
  b = (b + ((c & d) | (~c & a)) + x11 - 1990404162) | 0;
  b = (c + ((b << 22) | (b >>> 10))) | 0;
  a = (a + ((b & c) | (~b & d)) + x12 + 1804603682) | 0;
  a = (b + ((a << 7) | (a >>> 25))) | 0;
  d = (d + ((a & b) | (~a & c)) + x13 - 40341101) | 0;
  d = (a + ((d << 12) | (d >>> 20))) | 0;
  c = (c + ((d & a) | (~d & b)) + x14 - 1502002290) | 0;
  c = (d + ((c << 17) | (c >>> 15))) | 0;
  b = (b + ((c & d) | (~c & a)) + x15 + 1236535329) | 0;
  b = (c + ((b << 22) | (b >>> 10))) | 0;
  a = (a + ((d & b) | (~d & c)) + x1 - 165796510) | 0;
  a = (b + ((a << 5) | (a >>> 27))) | 0;
  d = (d + ((c & a) | (~c & b)) + x6 - 1069501632) | 0;
  d = (a + ((d << 9) | (d >>> 23))) | 0;
  c = (c + ((b & d) | (~b & a)) + x11 + 643717713) | 0;
  c = (d + ((c << 14) | (c >>> 18))) | 0;
  b = (b + ((a & c) | (~a & d)) + x0 - 373897302) | 0;
  b = (c + ((b << 20) | (b >>> 12))) | 0;
  a = (a + ((d & b) | (~d & c)) + x5 - 701558691) | 0;
  a = (b + ((a << 5) | (a >>> 27))) | 0;
  d = (d + ((c & a) | (~c & b)) + x10 + 38016083) | 0;
  d = (a + ((d << 9) | (d >>> 23))) | 0;
  c = (c + ((b & d) | (~b & a)) + x15 - 660478335) | 0;
  c = (d + ((c << 14) | (c >>> 18))) | 0;
  b = (b + ((a & c) | (~a & d)) + x4 - 405537848) | 0;
  b = (c + ((b << 20) | (b >>> 12))) | 0;
  a = (a + ((d & b) | (~d & c)) + x9 + 568446438) | 0;
  a = (b + ((a << 5) | (a >>> 27))) | 0;
  d = (d + ((c & a) | (~c & b)) + x14 - 1019803690) | 0;
  d = (a + ((d << 9) | (d >>> 23))) | 0;
  c = (c + ((b & d) | (~b & a)) + x3 - 187363961) | 0;
  c = (d + ((c << 14) | (c >>> 18))) | 0;
  b = (b + ((a & c) | (~a & d)) + x8 + 1163531501) | 0;
  b = (c + ((b << 20) | (b >>> 12))) | 0;
  a = (a + ((d & b) | (~d & c)) + x13 - 1444681467) | 0;
  a = (b + ((a << 5) | (a >>> 27))) | 0;
  d = (d + ((c & a) | (~c & b)) + x2 - 51403784) | 0;
  d = (a + ((d << 9) | (d >>> 23))) | 0;
  c = (c + ((b & d) | (~b & a)) + x7 + 1735328473) | 0;
  c = (d + ((c << 14) | (c >>> 18))) | 0;
  b = (b + ((a & c) | (~a & d)) + x12 - 1926607734) | 0;
  b = (c + ((b << 20) | (b >>> 12))) | 0;
  a = (a + (b ^ c ^ d) + x5 - 378558) | 0;
  a = (b + ((a << 4) | (a >>> 28))) | 0;
  d = (d + (a ^ b ^ c) + x8 - 2022574463) | 0;
  d = (a + ((d << 11) | (d >>> 21))) | 0;
  c = (c + (d ^ a ^ b) + x11 + 1839030562) | 0;
  c = (d + ((c << 16) | (c >>> 16))) | 0;
  b = (b + (c ^ d ^ a) + x14 - 35309556) | 0;
  b = (c + ((b << 23) | (b >>> 9))) | 0;
  a = (a + (b ^ c ^ d) + x1 - 1530992060) | 0;
  a = (b + ((a << 4) | (a >>> 28))) | 0;
  d = (d + (a ^ b ^ c) + x4 + 1272893353) | 0;
  d = (a + ((d << 11) | (d >>> 21))) | 0;
  c = (c + (d ^ a ^ b) + x7 - 155497632) | 0;
  c = (d + ((c << 16) | (c >>> 16))) | 0;
  b = (b + (c ^ d ^ a) + x10 - 1094730640) | 0;
  b = (c + ((b << 23) | (b >>> 9))) | 0;
  a = (a + (b ^ c ^ d) + x13 + 681279174) | 0;
  a = (b + ((a << 4) | (a >>> 28))) | 0;
  d = (d + (a ^ b ^ c) + x0 - 358537222) | 0;
  d = (a + ((d << 11) | (d >>> 21))) | 0;
  c = (c + (d ^ a ^ b) + x3 - 722521979) | 0;
  c = (d + ((c << 16) | (c >>> 16))) | 0;
  b = (b + (c ^ d ^ a) + x6 + 76029189) | 0;
  b = (c + ((b << 23) | (b >>> 9))) | 0;
  a = (a + (b ^ c ^ d) + x9 - 640364487) | 0;
  a = (b + ((a << 4) | (a >>> 28))) | 0;
  d = (d + (a ^ b ^ c) + x12 - 421815835) | 0;
  d = (a + ((d << 11) | (d >>> 21))) | 0;
  c = (c + (d ^ a ^ b) + x15 + 530742520) | 0;
  c = (d + ((c << 16) | (c >>> 16))) | 0;
  b = (b + (c ^ d ^ a) + x2 - 995338651) | 0;
  b = (c + ((b << 23) | (b >>> 9))) | 0;
  a = (a + (c ^ (b | ~d)) + x0 - 198630844) | 0;
  a = (b + ((a << 6) | (a >>> 26))) | 0;
  d = (d + (b ^ (a | ~c)) + x7 + 1126891415) | 0;
  d = (a + ((d << 10) | (d >>> 22))) | 0;
  c = (c + (a ^ (d | ~b)) + x14 - 1416354905) | 0;
  c = (d + ((c << 15) | (c >>> 17))) | 0;
  b = (b + (d ^ (c | ~a)) + x5 - 57434055) | 0;
  b = (c + ((b << 21) | (b >>> 11))) | 0;
  a = (a + (c ^ (b | ~d)) + x12 + 1700485571) | 0;
  a = (b + ((a << 6) | (a >>> 26))) | 0;
  d = (d + (b ^ (a | ~c)) + x3 - 1894986606) | 0;
  d = (a + ((d << 10) | (d >>> 22))) | 0;
  c = (c + (a ^ (d | ~b)) + x10 - 1051523) | 0;
  c = (d + ((c << 15) | (c >>> 17))) | 0;
  b = (b + (d ^ (c | ~a)) + x1 - 2054922799) | 0;
  b = (c + ((b << 21) | (b >>> 11))) | 0;
  a = (a + (c ^ (b | ~d)) + x8 + 1873313359) | 0;
  a = (b + ((a << 6) | (a >>> 26))) | 0;
  d = (d + (b ^ (a | ~c)) + x15 - 30611744) | 0;
  d = (a + ((d << 10) | (d >>> 22))) | 0;
  c = (c + (a ^ (d | ~b)) + x6 - 1560198380) | 0;
  c = (d + ((c << 15) | (c >>> 17))) | 0;
  b = (b + (d ^ (c | ~a)) + x13 + 1309151649) | 0;
  b = (c + ((b << 21) | (b >>> 11))) | 0;
  a = (a + (c ^ (b | ~d)) + x4 - 145523070) | 0;
  a = (b + ((a << 6) | (a >>> 26))) | 0;
  d = (d + (b ^ (a | ~c)) + x11 - 1120210379) | 0;
  d = (a + ((d << 10) | (d >>> 22))) | 0;
  c = (c + (a ^ (d | ~b)) + x2 + 718787259) | 0;
  c = (d + ((c << 15) | (c >>> 17))) | 0;
  b = (b + (d ^ (c | ~a)) + x9 - 343485551) | 0;
  b = (c + ((b << 21) | (b >>> 11))) | 0;
  digest[0] = (digest[0]! + a) | 0;
  digest[1] = (digest[1]! + b) | 0;
  digest[2] = (digest[2]! + c) | 0;
  digest[3] = (digest[3]! + d) | 0;
}
