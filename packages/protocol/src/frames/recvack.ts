/**
 * RECVACK: the client has a message. Its flags repeat NoPersist, RedDot and SyncOnce of the RECV.
 *
 *   messageId i64 | messageSeq u32 (u64: version ≥ 6)
 */
import type { Int64 } from "../int64.ts";
import type { Reader } from "../reader.ts";
import { sizeOfMessageSeq, type Writer } from "../writer.ts";

export interface Recvack {
  readonly type: 6;
  readonly flags: number;
  readonly messageId: Int64;
  readonly messageSeq: number;
}

export function sizeOfRecvack(version: number): number {
  return 8 + sizeOfMessageSeq(version);
}

export function writeRecvack(frame: Recvack, version: number, writer: Writer): void {
  writer.int64(frame.messageId);
  writer.messageSeq(frame.messageSeq, version);
}

export function readRecvack(reader: Reader, flags: number, version: number): Recvack {
  return { type: 6, flags, messageId: reader.int64(), messageSeq: reader.messageSeq(version) };
}
