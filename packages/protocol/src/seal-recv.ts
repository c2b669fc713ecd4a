/** A RECV for one connection: payload encrypted, msgKey made, frame written, with one allocation. */

import { BLOCK_BYTES } from "./aes.ts";
import { type Allocate, allocateExact } from "./allocate.ts";
import { base64Length } from "./base64.ts";
import { scratchFor } from "./cipher-scratch.ts";
import { type Recv, sizeOfRecvHead, writeRecvAfterMsgKey } from "./frames/recv.ts";
import { PacketType } from "./packet-type.ts";
import { MSG_KEY_BYTES, RECV_SIGN_NUMBERS_BYTES_MAX, writeRecvSign } from "./recv-parts.ts";
import { digestScratch, encryptScratch, type SessionCipher } from "./session-cipher.ts";
import { Writer } from "./writer.ts";

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
  const scratch = scratchFor(RECV_SIGN_NUMBERS_BYTES_MAX + 3 * textUnits + payloadBytes);
  const writer = new Writer(
    PacketType.recv,
    recv.flags,
    sizeOfRecvHead(recv, MSG_KEY_BYTES, version) + payloadBytes,
    allocate,
  );

  scratch.bytes.set(plain);
  const payloadWords = encryptScratch(cipher, scratch, plain.length);
  const signStart = writeRecvSign(recv, scratch.bytes, 0);
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
