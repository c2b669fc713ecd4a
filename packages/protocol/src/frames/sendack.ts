/**
 * SENDACK, the answer to SEND; its flags are those of the SEND.
 *
 *   messageId i64 | clientSeq u32 | messageSeq u32 (u64: version ≥ 6) | reason u8 | [clientMsgNo str: version ≥ 6 and not empty]
 */
import type { Int64 } from "../int64.ts";
import { PacketType } from "../packet-type.ts";
import type { Reader } from "../reader.ts";
import { sizeOfMessageSeq, sizeOfString, Writer } from "../writer.ts";

export interface Sendack {
  readonly type: 4;
  readonly flags: number;
  readonly messageId: Int64;
  readonly clientSeq: number;
  readonly messageSeq: number;
  readonly reason: number;
  /** On the wire only since version 6, and only when not empty. */
  readonly clientMsgNo?: string;
}

/** The same bytes as `encodeFrame` of a `Sendack`, without the object. */
export function encodeSendack(
  flags: number,
  messageId: Int64,
  clientSeq: number,
  messageSeq: number,
  reason: number,
  clientMsgNo: string,
  version: number,
): Uint8Array {
  const hasTail = version >= 6 && clientMsgNo !== "";
  const bodyBytes = 13 + sizeOfMessageSeq(version) + (hasTail ? sizeOfString(clientMsgNo) : 0);
  const writer = new Writer(PacketType.sendack, flags, bodyBytes);
  writer.int64(messageId);
  writer.u32(clientSeq);
  writer.messageSeq(messageSeq, version);
  writer.u8(reason);
  if (hasTail) writer.string(clientMsgNo);
  return writer.done();
}

export function readSendack(reader: Reader, flags: number, version: number): Sendack {
  const messageId = reader.int64();
  const clientSeq = reader.u32();
  const messageSeq = reader.messageSeq(version);
  const reason = reader.u8();
  const clientMsgNo = version >= 6 && reader.remaining > 0 ? reader.string() : "";
  if (clientMsgNo === "") return { type: 4, flags, messageId, clientSeq, messageSeq, reason };
  return { type: 4, flags, messageId, clientSeq, messageSeq, reason, clientMsgNo };
}
