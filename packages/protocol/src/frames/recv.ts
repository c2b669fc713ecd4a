/**
 * RECV, a message for a client. msgKey stands right behind setting, unlike in SEND.
 *
 *   setting u8 | msgKey str | fromUid str | channelId str | channelType u8 | [expire u32: version ≥ 3] | clientMsgNo str
 *   | [streamFlag u8, streamNo str, streamId u64: 2 ≤ version < 5 and Setting.stream]
 *   | messageId i64 | messageSeq u32 (u64: version ≥ 6) | timestamp i32 | [topic str: Setting.topic] | payload
 */
import { Setting } from "../flags.ts";
import type { Int64 } from "../int64.ts";
import type { Reader } from "../reader.ts";
import { sizeOfMessageSeq, sizeOfString, type Writer } from "../writer.ts";
import { hasStreamFields } from "./send.ts";

export interface Recv {
  readonly type: 5;
  readonly flags: number;
  readonly setting: number;
  readonly msgKey: string;
  readonly fromUid: string;
  readonly channelId: string;
  readonly channelType: number;
  /** Seconds, 0 for never; not on the wire below version 3. */
  readonly expire: number;
  readonly clientMsgNo: string;
  /** The three stream fields are on the wire only in versions 2 to 4 with Setting.stream. */
  readonly streamFlag?: number;
  readonly streamNo?: string;
  readonly streamId?: Int64;
  readonly messageId: Int64;
  readonly messageSeq: number;
  /** Seconds. */
  readonly timestamp: number;
  /** On the wire only with Setting.topic. */
  readonly topic: string;
  readonly payload: Uint8Array;
}

const ZERO: Int64 = { high: 0, low: 0 };

/** What stands before the payload, with a msgKey of `msgKeyBytes` ASCII characters. */
export function sizeOfRecvHead(frame: Recv, msgKeyBytes: number, version: number): number {
  return (
    3 +
    msgKeyBytes +
    sizeOfString(frame.fromUid) +
    sizeOfString(frame.channelId) +
    1 +
    (version >= 3 ? 4 : 0) +
    sizeOfString(frame.clientMsgNo) +
    (hasStreamFields(frame.setting, version) ? 1 + sizeOfString(frame.streamNo ?? "") + 8 : 0) +
    8 +
    sizeOfMessageSeq(version) +
    4 +
    ((frame.setting & Setting.topic) === 0 ? 0 : sizeOfString(frame.topic))
  );
}

export function sizeOfRecv(frame: Recv, version: number): number {
  return sizeOfRecvHead(frame, sizeOfString(frame.msgKey) - 2, version) + frame.payload.length;
}

export function writeRecv(frame: Recv, version: number, writer: Writer): void {
  writer.u8(frame.setting);
  writer.string(frame.msgKey);
  writeRecvAfterMsgKey(frame, version, writer);
  writer.raw(frame.payload);
}

/** Everything between msgKey and payload. */
export function writeRecvAfterMsgKey(frame: Recv, version: number, writer: Writer): void {
  writer.string(frame.fromUid);
  writer.string(frame.channelId);
  writer.u8(frame.channelType);
  if (version >= 3) writer.u32(frame.expire);
  writer.string(frame.clientMsgNo);
  if (hasStreamFields(frame.setting, version)) {
    writer.u8(frame.streamFlag ?? 0);
    writer.string(frame.streamNo ?? "");
    writer.int64(frame.streamId ?? ZERO);
  }
  writer.int64(frame.messageId);
  writer.messageSeq(frame.messageSeq, version);
  writer.u32(frame.timestamp);
  if ((frame.setting & Setting.topic) !== 0) writer.string(frame.topic);
}

export function readRecv(reader: Reader, flags: number, version: number): Recv {
  const setting = reader.u8();
  const msgKey = reader.string();
  const fromUid = reader.string();
  const channelId = reader.string();
  const channelType = reader.u8();
  const expire = version >= 3 ? reader.u32() : 0;
  const clientMsgNo = reader.string();
  const stream = hasStreamFields(setting, version)
    ? { streamFlag: reader.u8(), streamNo: reader.string(), streamId: reader.int64() }
    : undefined;
  const messageId = reader.int64();
  const messageSeq = reader.messageSeq(version);
  const timestamp = reader.i32();
  const topic = (setting & Setting.topic) === 0 ? "" : reader.string();
  return {
    type: 5,
    flags,
    setting,
    msgKey,
    fromUid,
    channelId,
    channelType,
    expire,
    clientMsgNo,
    ...stream,
    messageId,
    messageSeq,
    timestamp,
    topic,
    payload: reader.rest(),
  };
}
