/**
 * MD5 over 32-bit little-endian words. The protocol wants it as a checksum of a ciphertext; nothing here relies on it
 * being collision-free. The 64 steps are written out, in an order of additions that keeps each step's critical path short:
 * a loop over tables takes twice the time.
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
  a = (((a + x0 - 680876936) | 0) + (d ^ (b & (c ^ d)))) | 0;
  a = (((a << 7) | (a >>> 25)) + b) | 0;
  d = (((d + x1 - 389564586) | 0) + (c ^ (a & (b ^ c)))) | 0;
  d = (((d << 12) | (d >>> 20)) + a) | 0;
  c = (((c + x2 + 606105819) | 0) + (b ^ (d & (a ^ b)))) | 0;
  c = (((c << 17) | (c >>> 15)) + d) | 0;
  b = (((b + x3 - 1044525330) | 0) + (a ^ (c & (d ^ a)))) | 0;
  b = (((b << 22) | (b >>> 10)) + c) | 0;
  a = (((a + x4 - 176418897) | 0) + (d ^ (b & (c ^ d)))) | 0;
  a = (((a << 7) | (a >>> 25)) + b) | 0;
  d = (((d + x5 + 1200080426) | 0) + (c ^ (a & (b ^ c)))) | 0;
  d = (((d << 12) | (d >>> 20)) + a) | 0;
  c = (((c + x6 - 1473231341) | 0) + (b ^ (d & (a ^ b)))) | 0;
  c = (((c << 17) | (c >>> 15)) + d) | 0;
  b = (((b + x7 - 45705983) | 0) + (a ^ (c & (d ^ a)))) | 0;
  b = (((b << 22) | (b >>> 10)) + c) | 0;
  a = (((a + x8 + 1770035416) | 0) + (d ^ (b & (c ^ d)))) | 0;
  a = (((a << 7) | (a >>> 25)) + b) | 0;
  d = (((d + x9 - 1958414417) | 0) + (c ^ (a & (b ^ c)))) | 0;
  d = (((d << 12) | (d >>> 20)) + a) | 0;
  c = (((c + x10 - 42063) | 0) + (b ^ (d & (a ^ b)))) | 0;
  c = (((c << 17) | (c >>> 15)) + d) | 0;
  b = (((b + x11 - 1990404162) | 0) + (a ^ (c & (d ^ a)))) | 0;
  b = (((b << 22) | (b >>> 10)) + c) | 0;
  a = (((a + x12 + 1804603682) | 0) + (d ^ (b & (c ^ d)))) | 0;
  a = (((a << 7) | (a >>> 25)) + b) | 0;
  d = (((d + x13 - 40341101) | 0) + (c ^ (a & (b ^ c)))) | 0;
  d = (((d << 12) | (d >>> 20)) + a) | 0;
  c = (((c + x14 - 1502002290) | 0) + (b ^ (d & (a ^ b)))) | 0;
  c = (((c << 17) | (c >>> 15)) + d) | 0;
  b = (((b + x15 + 1236535329) | 0) + (a ^ (c & (d ^ a)))) | 0;
  b = (((b << 22) | (b >>> 10)) + c) | 0;
  a = (((a + x1 - 165796510) | 0) + (~d & c) + (d & b)) | 0;
  a = (((a << 5) | (a >>> 27)) + b) | 0;
  d = (((d + x6 - 1069501632) | 0) + (~c & b) + (c & a)) | 0;
  d = (((d << 9) | (d >>> 23)) + a) | 0;
  c = (((c + x11 + 643717713) | 0) + (~b & a) + (b & d)) | 0;
  c = (((c << 14) | (c >>> 18)) + d) | 0;
  b = (((b + x0 - 373897302) | 0) + (~a & d) + (a & c)) | 0;
  b = (((b << 20) | (b >>> 12)) + c) | 0;
  a = (((a + x5 - 701558691) | 0) + (~d & c) + (d & b)) | 0;
  a = (((a << 5) | (a >>> 27)) + b) | 0;
  d = (((d + x10 + 38016083) | 0) + (~c & b) + (c & a)) | 0;
  d = (((d << 9) | (d >>> 23)) + a) | 0;
  c = (((c + x15 - 660478335) | 0) + (~b & a) + (b & d)) | 0;
  c = (((c << 14) | (c >>> 18)) + d) | 0;
  b = (((b + x4 - 405537848) | 0) + (~a & d) + (a & c)) | 0;
  b = (((b << 20) | (b >>> 12)) + c) | 0;
  a = (((a + x9 + 568446438) | 0) + (~d & c) + (d & b)) | 0;
  a = (((a << 5) | (a >>> 27)) + b) | 0;
  d = (((d + x14 - 1019803690) | 0) + (~c & b) + (c & a)) | 0;
  d = (((d << 9) | (d >>> 23)) + a) | 0;
  c = (((c + x3 - 187363961) | 0) + (~b & a) + (b & d)) | 0;
  c = (((c << 14) | (c >>> 18)) + d) | 0;
  b = (((b + x8 + 1163531501) | 0) + (~a & d) + (a & c)) | 0;
  b = (((b << 20) | (b >>> 12)) + c) | 0;
  a = (((a + x13 - 1444681467) | 0) + (~d & c) + (d & b)) | 0;
  a = (((a << 5) | (a >>> 27)) + b) | 0;
  d = (((d + x2 - 51403784) | 0) + (~c & b) + (c & a)) | 0;
  d = (((d << 9) | (d >>> 23)) + a) | 0;
  c = (((c + x7 + 1735328473) | 0) + (~b & a) + (b & d)) | 0;
  c = (((c << 14) | (c >>> 18)) + d) | 0;
  b = (((b + x12 - 1926607734) | 0) + (~a & d) + (a & c)) | 0;
  b = (((b << 20) | (b >>> 12)) + c) | 0;
  a = (((a + x5 - 378558) | 0) + (b ^ (c ^ d))) | 0;
  a = (((a << 4) | (a >>> 28)) + b) | 0;
  d = (((d + x8 - 2022574463) | 0) + (a ^ (b ^ c))) | 0;
  d = (((d << 11) | (d >>> 21)) + a) | 0;
  c = (((c + x11 + 1839030562) | 0) + (d ^ (a ^ b))) | 0;
  c = (((c << 16) | (c >>> 16)) + d) | 0;
  b = (((b + x14 - 35309556) | 0) + (c ^ (d ^ a))) | 0;
  b = (((b << 23) | (b >>> 9)) + c) | 0;
  a = (((a + x1 - 1530992060) | 0) + (b ^ (c ^ d))) | 0;
  a = (((a << 4) | (a >>> 28)) + b) | 0;
  d = (((d + x4 + 1272893353) | 0) + (a ^ (b ^ c))) | 0;
  d = (((d << 11) | (d >>> 21)) + a) | 0;
  c = (((c + x7 - 155497632) | 0) + (d ^ (a ^ b))) | 0;
  c = (((c << 16) | (c >>> 16)) + d) | 0;
  b = (((b + x10 - 1094730640) | 0) + (c ^ (d ^ a))) | 0;
  b = (((b << 23) | (b >>> 9)) + c) | 0;
  a = (((a + x13 + 681279174) | 0) + (b ^ (c ^ d))) | 0;
  a = (((a << 4) | (a >>> 28)) + b) | 0;
  d = (((d + x0 - 358537222) | 0) + (a ^ (b ^ c))) | 0;
  d = (((d << 11) | (d >>> 21)) + a) | 0;
  c = (((c + x3 - 722521979) | 0) + (d ^ (a ^ b))) | 0;
  c = (((c << 16) | (c >>> 16)) + d) | 0;
  b = (((b + x6 + 76029189) | 0) + (c ^ (d ^ a))) | 0;
  b = (((b << 23) | (b >>> 9)) + c) | 0;
  a = (((a + x9 - 640364487) | 0) + (b ^ (c ^ d))) | 0;
  a = (((a << 4) | (a >>> 28)) + b) | 0;
  d = (((d + x12 - 421815835) | 0) + (a ^ (b ^ c))) | 0;
  d = (((d << 11) | (d >>> 21)) + a) | 0;
  c = (((c + x15 + 530742520) | 0) + (d ^ (a ^ b))) | 0;
  c = (((c << 16) | (c >>> 16)) + d) | 0;
  b = (((b + x2 - 995338651) | 0) + (c ^ (d ^ a))) | 0;
  b = (((b << 23) | (b >>> 9)) + c) | 0;
  a = (((a + x0 - 198630844) | 0) + (c ^ (b | ~d))) | 0;
  a = (((a << 6) | (a >>> 26)) + b) | 0;
  d = (((d + x7 + 1126891415) | 0) + (b ^ (a | ~c))) | 0;
  d = (((d << 10) | (d >>> 22)) + a) | 0;
  c = (((c + x14 - 1416354905) | 0) + (a ^ (d | ~b))) | 0;
  c = (((c << 15) | (c >>> 17)) + d) | 0;
  b = (((b + x5 - 57434055) | 0) + (d ^ (c | ~a))) | 0;
  b = (((b << 21) | (b >>> 11)) + c) | 0;
  a = (((a + x12 + 1700485571) | 0) + (c ^ (b | ~d))) | 0;
  a = (((a << 6) | (a >>> 26)) + b) | 0;
  d = (((d + x3 - 1894986606) | 0) + (b ^ (a | ~c))) | 0;
  d = (((d << 10) | (d >>> 22)) + a) | 0;
  c = (((c + x10 - 1051523) | 0) + (a ^ (d | ~b))) | 0;
  c = (((c << 15) | (c >>> 17)) + d) | 0;
  b = (((b + x1 - 2054922799) | 0) + (d ^ (c | ~a))) | 0;
  b = (((b << 21) | (b >>> 11)) + c) | 0;
  a = (((a + x8 + 1873313359) | 0) + (c ^ (b | ~d))) | 0;
  a = (((a << 6) | (a >>> 26)) + b) | 0;
  d = (((d + x15 - 30611744) | 0) + (b ^ (a | ~c))) | 0;
  d = (((d << 10) | (d >>> 22)) + a) | 0;
  c = (((c + x6 - 1560198380) | 0) + (a ^ (d | ~b))) | 0;
  c = (((c << 15) | (c >>> 17)) + d) | 0;
  b = (((b + x13 + 1309151649) | 0) + (d ^ (c | ~a))) | 0;
  b = (((b << 21) | (b >>> 11)) + c) | 0;
  a = (((a + x4 - 145523070) | 0) + (c ^ (b | ~d))) | 0;
  a = (((a << 6) | (a >>> 26)) + b) | 0;
  d = (((d + x11 - 1120210379) | 0) + (b ^ (a | ~c))) | 0;
  d = (((d << 10) | (d >>> 22)) + a) | 0;
  c = (((c + x2 + 718787259) | 0) + (a ^ (d | ~b))) | 0;
  c = (((c << 15) | (c >>> 17)) + d) | 0;
  b = (((b + x9 - 343485551) | 0) + (d ^ (c | ~a))) | 0;
  b = (((b << 21) | (b >>> 11)) + c) | 0;
  digest[0] = (digest[0]! + a) | 0;
  digest[1] = (digest[1]! + b) | 0;
  digest[2] = (digest[2]! + c) | 0;
  digest[3] = (digest[3]! + d) | 0;
}
