/**
 * What is the same in a sealed RECV for every session with the same view of a message: all but msgKey and the encrypted
 * payload. Whoever seals many at once writes these parts once.
 */
import { type Allocate, allocateExact } from "./allocate.ts";
import { writeSignedDecimal, writeUnsignedDecimal } from "./decimal.ts";
import { type Recv, sizeOfRecvHead, writeRecvAfterMsgKey } from "./frames/recv.ts";
import { writeInt64Decimal } from "./int64.ts";
import { PacketType } from "./packet-type.ts";
import { utf8Write } from "./utf8.ts";
import { sizeOfFrame, Writer } from "./writer.ts";

export const MSG_KEY_BYTES = 32;
/** Digits of messageId, messageSeq, timestamp and channelType. */
export const RECV_SIGN_NUMBERS_BYTES_MAX = 50;

/** `bytes` is room before, the top of the frame, the sign text, a few bytes that mean nothing, and room behind. */
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
 * The parts of a RECV whose payload has `payloadBytes` bytes on the wire, with room for `before` bytes at the beginning
 * and for `behind` bytes at the end. `recv.payload` and `recv.msgKey` are not looked at.
 */
export function cutRecv(
  recv: Recv,
  version: number,
  payloadBytes: number,
  before: number,
  behind: number,
  allocate: Allocate = allocateExact,
): RecvParts {
  const headBytes = sizeOfRecvHead(recv, MSG_KEY_BYTES, version);
  const topBytes = sizeOfFrame(headBytes + payloadBytes) - payloadBytes;
  // The head holds all texts that are signed, and msgKey.
  const signBytesMax = RECV_SIGN_NUMBERS_BYTES_MAX + headBytes - MSG_KEY_BYTES;
  const bytes = allocate(before + topBytes + signBytesMax + behind);
  const writer = new Writer(PacketType.recv, recv.flags, headBytes + payloadBytes, () => bytes, before);
  writer.u8(recv.setting);
  writer.u8(0);
  writer.u8(MSG_KEY_BYTES);
  writer.skip(MSG_KEY_BYTES);
  writeRecvAfterMsgKey(recv, version, writer);
  const signAt = before + topBytes;
  if (writer.offset !== signAt) throw new RangeError("a frame's size was computed wrongly");
  const signBytes = writeRecvSign(recv, bytes, signAt) - signAt;
  return { bytes, topBytes, msgKeyAt: topBytes - headBytes + 3, signBytes };
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
