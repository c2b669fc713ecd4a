/**
 * 128 bits that tell one payload from another: MurmurHash3 (x86, 128 bits), seed 0. It is no secret and no signature: who
 * makes two payloads with one hash has only his own second message answered as a copy of the first. A cryptographic hash
 * of node:crypto costs five times as much for the payload of a usual message.
 */
const BLOCK_BYTES = 16;
const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

export function payloadHash(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const blocksEnd = length - (length % BLOCK_BYTES);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let at = 0; at < blocksEnd; at += BLOCK_BYTES) {
    a = (Math.imul(rotated((a ^ mixedA(wordAt(bytes, at))) | 0, 19) + b, 5) + 0x561ccd1b) | 0;
    b = (Math.imul(rotated((b ^ mixedB(wordAt(bytes, at + 4))) | 0, 17) + c, 5) + 0x0bcaa747) | 0;
    c = (Math.imul(rotated((c ^ mixedC(wordAt(bytes, at + 8))) | 0, 15) + d, 5) + 0x96cd1c35) | 0;
    d = (Math.imul(rotated((d ^ mixedD(wordAt(bytes, at + 12))) | 0, 13) + a, 5) + 0x32ac3b17) | 0;
  }
  // Bytes behind the end count as zero, which changes nothing.
  if (length - blocksEnd > 12) d ^= mixedD(wordAt(bytes, blocksEnd + 12));
  if (length - blocksEnd > 8) c ^= mixedC(wordAt(bytes, blocksEnd + 8));
  if (length - blocksEnd > 4) b ^= mixedB(wordAt(bytes, blocksEnd + 4));
  if (length - blocksEnd > 0) a ^= mixedA(wordAt(bytes, blocksEnd));
  a ^= length;
  b ^= length;
  c ^= length;
  d ^= length;
  a = (a + b + c + d) | 0;
  b = (b + a) | 0;
  c = (c + a) | 0;
  d = (d + a) | 0;
  a = finished(a);
  b = finished(b);
  c = finished(c);
  d = finished(d);
  a = (a + b + c + d) | 0;
  const hash = Buffer.allocUnsafe(BLOCK_BYTES);
  writeWord(hash, 0, a);
  writeWord(hash, 4, (b + a) | 0);
  writeWord(hash, 8, (c + a) | 0);
  writeWord(hash, 12, (d + a) | 0);
  return hash;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

function mixedA(word: number): number {
  return Math.imul(rotated(Math.imul(word, C1), 15), C2);
}
function mixedB(word: number): number {
  return Math.imul(rotated(Math.imul(word, C2), 16), C3);
}
function mixedC(word: number): number {
  return Math.imul(rotated(Math.imul(word, C3), 17), C4);
}
function mixedD(word: number): number {
  return Math.imul(rotated(Math.imul(word, C4), 18), C1);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function finished(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
