/**
 * What is the same in a sealed RECV for every session with the same view of a message: all but msgKey and the encrypted
 * payload. Whoever seals many at once writes these parts once.
 */
import { type Allocate, allocateExact } from "./allocate.ts";
import { writeSignedDecimal, writeUnsignedDecimal } from "./decimal.ts";
import { type Recv, sizeOfRecvHead, writeRecvAfterMsgKey } from "./frames/recv.ts";
import { writeInt64Decimal } from "./int64.ts";
import { PacketType } from "./packet-type.ts";
import { utf8Length, utf8Write } from "./utf8.ts";
import { Writer } from "./writer.ts";

export const MSG_KEY_BYTES = 32;
/** Digits of messageId, messageSeq, timestamp and channelType. */
export const RECV_SIGN_NUMBERS_BYTES_MAX = 50;

/** `bytes` is `before` bytes of room, the top of the frame, the sign text, and room to its end. */
export interface RecvParts {
  readonly bytes: Uint8Array;
  /** The frame up to its payload. */
  readonly topBytes: number;
  /** Where in the top the 32 characters of msgKey belong; they are not written. */
  readonly msgKeyAt: number;
  /** What stands before the payload in the text that msgKey signs. */
  readonly signBytes: number;
}

/**
 * The parts of a RECV whose payload has `payloadBytes` bytes on the wire, with room for `before` bytes before them and
 * `after` bytes behind them. `recv.payload` and `recv.msgKey` are not looked at.
 */
export function cutRecv(
  recv: Recv,
  version: number,
  payloadBytes: number,
  before: number,
  after: number,
  allocate: Allocate = allocateExact,
): RecvParts {
  const signBytesMax =
    RECV_SIGN_NUMBERS_BYTES_MAX + utf8Length(recv.clientMsgNo) + utf8Length(recv.fromUid) + utf8Length(recv.channelId);
  const headBytes = sizeOfRecvHead(recv, MSG_KEY_BYTES, version);
  let bytes = new Uint8Array(0);
  let topBytes = 0;
  const writer = new Writer(PacketType.recv, recv.flags, headBytes + payloadBytes, (frameBytes) => {
    topBytes = frameBytes - payloadBytes;
    bytes = allocate(before + topBytes + signBytesMax + after) as Uint8Array<ArrayBuffer>;
    return bytes.subarray(before, before + topBytes);
  });
  writer.u8(recv.setting);
  writer.u8(0);
  writer.u8(MSG_KEY_BYTES);
  writer.skip(MSG_KEY_BYTES);
  writeRecvAfterMsgKey(recv, version, writer);
  writer.done();
  const signAt = before + topBytes;
  const signBytes = writeRecvSign(recv, bytes, signAt) - signAt;
  return {
    bytes: bytes.subarray(0, signAt + signBytes + after),
    topBytes,
    msgKeyAt: topBytes - headBytes + 3,
    signBytes,
  };
}

/**
 * messageId, messageSeq, clientMsgNo, timestamp, fromUid, channelId, channelType, without separators; the payload
 * follows. Returns the offset behind them.
 */
export function writeRecvSign(recv: Recv, bytes: Uint8Array, offset: number): number {
  let at = writeInt64Decimal(bytes, offset, recv.messageId);
  at = writeUnsignedDecimal(bytes, at, recv.messageSeq);
  at = utf8Write(bytes, at, recv.clientMsgNo);
  at = writeSignedDecimal(bytes, at, recv.timestamp | 0);
  at = utf8Write(bytes, at, recv.fromUid);
  at = utf8Write(bytes, at, recv.channelId);
  return writeUnsignedDecimal(bytes, at, recv.channelType);
}
