/**
 * The cipher of one connection: AES-128-CBC with a fixed IV, PKCS#7, base64. Bound to its key, without state between
 * messages, so one connection's messages may be sealed in any order.
 */

import { BLOCK_BYTES, createAesSchedule, decryptCbc, encryptCbc } from "./aes.ts";
import { type Allocate, allocateExact } from "./allocate.ts";
import { base64Decode, base64DecodedLength, base64FromBytes, base64Words } from "./base64.ts";
import { type CipherScratch, scratchFor } from "./cipher-scratch.ts";
import { md5Words, md5WordsNeeded, writeMd5Hex } from "./md5.ts";
import { utf8Write } from "./utf8.ts";

export interface SessionCipher {
  /** base64 text of the encrypted bytes. */
  encrypt(plain: Uint8Array): Uint8Array;
  /** undefined: not base64, no whole blocks, or bad padding. */
  decrypt(base64Text: Uint8Array): Uint8Array | undefined;
  /** MD5, in hex, of the base64 text of the encrypted sign text. */
  msgKey(sign: Uint8Array): string;
  /** For `openSend` and `sealRecv`, which do these steps without memory in between. */
  readonly schedule: Int32Array;
  readonly iv: Int32Array;
}

/** `key` and `iv` have 16 bytes each. */
export function createSessionCipher(key: Uint8Array, iv: Uint8Array): SessionCipher {
  if (key.length !== BLOCK_BYTES || iv.length !== BLOCK_BYTES) throw new RangeError("key and IV have 16 bytes each");
  return new AesSessionCipher(key, iv);
}

/** The AES key of a connection: the first 16 hex digits of MD5 over the base64 text of the shared secret. */
export function sessionKey(sharedSecret: Uint8Array): Uint8Array {
  const text = base64FromBytes(sharedSecret);
  const bytes = new Uint8Array(4 * md5WordsNeeded(text.length));
  utf8Write(bytes, 0, text);
  const view = new DataView(bytes.buffer);
  const words = Int32Array.from({ length: bytes.length / 4 }, (_, index) => view.getInt32(4 * index, true));
  const digest = new Int32Array(4);
  md5Words(words, text.length, digest);
  const hex = new Uint8Array(32);
  writeMd5Hex(digest, hex, 0);
  return hex.slice(0, BLOCK_BYTES);
}

class AesSessionCipher implements SessionCipher {
  readonly schedule: Int32Array;
  readonly iv: Int32Array;

  constructor(key: Uint8Array, iv: Uint8Array) {
    this.schedule = createAesSchedule(key);
    const view = new DataView(iv.buffer, iv.byteOffset, BLOCK_BYTES);
    this.iv = Int32Array.of(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12));
  }

  encrypt(plain: Uint8Array): Uint8Array {
    const scratch = scratchFor(plain.length);
    scratch.bytes.set(plain);
    const textWords = encryptScratch(this, scratch, plain.length);
    const text = new Uint8Array(4 * textWords);
    const view = new DataView(text.buffer);
    for (let index = 0; index < textWords; index++) view.setInt32(4 * index, scratch.base64[index]!, true);
    return text;
  }

  decrypt(base64Text: Uint8Array): Uint8Array | undefined {
    return decryptText(this, base64Text, scratchFor(base64Text.length), allocateExact);
  }

  msgKey(sign: Uint8Array): string {
    const scratch = scratchFor(sign.length);
    scratch.bytes.set(sign);
    digestScratch(this, scratch, sign.length);
    const hex = new Uint8Array(32);
    writeMd5Hex(scratch.digest, hex, 0);
    return String.fromCharCode(...hex);
  }
}

/** Encrypts the first `length` bytes of the scratch and leaves their base64 text there. Returns its words. */
export function encryptScratch(cipher: SessionCipher, scratch: CipherScratch, length: number): number {
  const padding = BLOCK_BYTES - (length % BLOCK_BYTES);
  const padded = length + padding;
  const bytes = scratch.bytes;
  for (let at = length; at < padded; at++) bytes[at] = padding;
  encryptCbc(cipher.schedule, cipher.iv, scratch.view, padded / BLOCK_BYTES, scratch.cipher);
  return base64Words(scratch.cipher, padded / 4, scratch.base64);
}

/** The msgKey of the sign text in the first `length` bytes of the scratch, as the scratch's digest. */
export function digestScratch(cipher: SessionCipher, scratch: CipherScratch, length: number): void {
  const textWords = encryptScratch(cipher, scratch, length);
  md5Words(scratch.base64, 4 * textWords, scratch.digest);
}

/** The plain bytes as a copy. */
export function decryptText(
  cipher: SessionCipher,
  base64Text: Uint8Array,
  scratch: CipherScratch,
  allocate: Allocate,
): Uint8Array | undefined {
  const length = base64DecodedLength(base64Text);
  if (length <= 0 || length % BLOCK_BYTES !== 0) return undefined;
  const bytes = scratch.bytes;
  if (!base64Decode(base64Text, bytes)) return undefined;
  decryptCbc(cipher.schedule, cipher.iv, scratch.view, length / BLOCK_BYTES);
  const padding = bytes[length - 1]!;
  if (padding === 0 || padding > BLOCK_BYTES) return undefined;
  for (let at = length - padding; at < length; at++) if (bytes[at] !== padding) return undefined;
  const plain = allocate(length - padding);
  plain.set(bytes.subarray(0, length - padding));
  return plain;
}
