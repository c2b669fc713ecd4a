/** What the server does with an encrypted SEND: prove that the sender has the session key, then decrypt. */
import { type Allocate, allocateExact } from "./allocate.ts";
import { scratchFor } from "./cipher-scratch.ts";
import { writeUnsignedDecimal } from "./decimal.ts";
import type { Send } from "./frames/send.ts";
import { isMd5Hex } from "./md5.ts";
import { decryptText, digestScratch, type SessionCipher } from "./session-cipher.ts";
import { utf8Write } from "./utf8.ts";

/** Digits of clientSeq and channelType. */
const NUMBERS_BYTES_MAX = 13;

/** The most that `writeSendSign` writes. A UTF-16 unit has at most three bytes in UTF-8. */
export function sendSignBytesMax(send: Send): number {
  return NUMBERS_BYTES_MAX + 3 * (send.clientMsgNo.length + send.channelId.length) + send.payload.length;
}

/** The plain payload, or undefined if msgKey does not fit or the payload is no ciphertext: reason 9. */
export function openSend(
  send: Send,
  cipher: SessionCipher,
  allocate: Allocate = allocateExact,
): Uint8Array | undefined {
  const scratch = scratchFor(sendSignBytesMax(send));
  digestScratch(cipher, scratch, writeSendSign(send, scratch.bytes, 0));
  if (!isMd5Hex(scratch.digest, send.msgKey)) return undefined;
  return decryptText(cipher, send.payload, scratch, allocate);
}

/**
 * What msgKey signs: clientSeq, clientMsgNo, channelId, channelType, payload, without separators. Returns the offset
 * behind it.
 */
export function writeSendSign(send: Send, bytes: Uint8Array, offset: number): number {
  let at = writeUnsignedDecimal(bytes, offset, send.clientSeq);
  at = utf8Write(bytes, at, send.clientMsgNo);
  at = utf8Write(bytes, at, send.channelId);
  at = writeUnsignedDecimal(bytes, at, send.channelType);
  bytes.set(send.payload, at);
  return at + send.payload.length;
}
