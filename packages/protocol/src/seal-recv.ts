/** A RECV for one connection: payload encrypted, msgKey made, frame written, with one allocation. */

import { BLOCK_BYTES } from "./aes.ts";
import { type Allocate, allocateExact } from "./allocate.ts";
import { base64Length } from "./base64.ts";
import { type CipherScratch, scratchFor } from "./cipher-scratch.ts";
import { writeSignedDecimal, writeUnsignedDecimal } from "./decimal.ts";
import { type Recv, sizeOfRecvHead, writeRecvAfterMsgKey } from "./frames/recv.ts";
import { writeInt64Decimal } from "./int64.ts";
import { PacketType } from "./packet-type.ts";
import { digestScratch, encryptScratch, type SessionCipher } from "./session-cipher.ts";
import { utf8Write } from "./utf8.ts";
import { Writer } from "./writer.ts";

const MSG_KEY_BYTES = 32;
/** Digits of messageId, messageSeq, timestamp and channelType. */
const NUMBERS_BYTES_MAX = 50;

/**
 * `recv.payload` is the plain payload and `recv.msgKey` is ignored; everything else goes out as given. Without a cipher
 * the payload goes out as it is and msgKey is empty.
 */
export function sealRecv(
  recv: Recv,
  cipher: SessionCipher | undefined,
  version: number,
  allocate: Allocate = allocateExact,
): Uint8Array {
  if (cipher === undefined) {
    const writer = new Writer(
      PacketType.recv,
      recv.flags,
      sizeOfRecvHead(recv, 0, version) + recv.payload.length,
      allocate,
    );
    writer.u8(recv.setting);
    writer.string("");
    writeRecvAfterMsgKey(recv, version, writer);
    writer.raw(recv.payload);
    return writer.done();
  }
  const plain = recv.payload;
  const payloadBytes = base64Length(BLOCK_BYTES * (Math.floor(plain.length / BLOCK_BYTES) + 1));
  const textUnits = recv.clientMsgNo.length + recv.fromUid.length + recv.channelId.length;
  // A UTF-16 unit has at most three bytes in UTF-8.
  const scratch = scratchFor(NUMBERS_BYTES_MAX + 3 * textUnits + payloadBytes);
  const writer = new Writer(
    PacketType.recv,
    recv.flags,
    sizeOfRecvHead(recv, MSG_KEY_BYTES, version) + payloadBytes,
    allocate,
  );

  scratch.bytes.set(plain);
  const payloadWords = encryptScratch(cipher, scratch, plain.length);
  const signStart = writeRecvSignHead(recv, scratch);
  for (let index = 0; index < payloadWords; index++) {
    scratch.view.setInt32(signStart + 4 * index, scratch.base64[index]!, true);
  }
  const frame = writer.bytes;
  const payloadStart = frame.length - payloadBytes;
  for (let index = 0; index < payloadBytes; index++) frame[payloadStart + index] = scratch.bytes[signStart + index]!;
  digestScratch(cipher, scratch, signStart + payloadBytes);

  writer.u8(recv.setting);
  writer.md5Hex(scratch.digest);
  writeRecvAfterMsgKey(recv, version, writer);
  writer.skip(payloadBytes);
  return writer.done();
}

/** messageId, messageSeq, clientMsgNo, timestamp, fromUid, channelId, channelType, without separators; the payload follows. */
function writeRecvSignHead(recv: Recv, scratch: CipherScratch): number {
  const bytes = scratch.bytes;
  let at = writeInt64Decimal(bytes, 0, recv.messageId);
  at = writeUnsignedDecimal(bytes, at, recv.messageSeq);
  at = utf8Write(bytes, at, recv.clientMsgNo);
  at = writeSignedDecimal(bytes, at, recv.timestamp | 0);
  at = utf8Write(bytes, at, recv.fromUid);
  at = utf8Write(bytes, at, recv.channelId);
  return writeUnsignedDecimal(bytes, at, recv.channelType);
}
