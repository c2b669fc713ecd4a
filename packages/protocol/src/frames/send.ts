/**
 * SEND, a client's message.
 *
 *   setting u8 | clientSeq u32 | clientMsgNo str | [streamNo str: 2 ≤ version < 5 and Setting.stream]
 *   | channelId str | channelType u8 | [expire u32: version ≥ 3] | msgKey str | [topic str: Setting.topic] | payload
 */
import { Setting } from "../flags.ts";
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Send {
  readonly type: 3;
  readonly flags: number;
  readonly setting: number;
  /** The client's counter, which SENDACK repeats. */
  readonly clientSeq: number;
  readonly clientMsgNo: string;
  /** On the wire only in versions 2 to 4 with Setting.stream. */
  readonly streamNo?: string;
  readonly channelId: string;
  readonly channelType: number;
  /** Seconds, 0 for never; always 0 below version 3. */
  readonly expire: number;
  readonly msgKey: string;
  /** On the wire only with Setting.topic. */
  readonly topic: string;
  /** As on the wire: base64 text when encrypted. */
  readonly payload: Uint8Array;
}

/** SEND and RECV have stream fields in versions 2 to 4 only. */
export function hasStreamFields(setting: number, version: number): boolean {
  return (setting & Setting.stream) !== 0 && version >= 2 && version < 5;
}

export function sizeOfSend(frame: Send, version: number): number {
  return (
    5 +
    sizeOfString(frame.clientMsgNo) +
    (hasStreamFields(frame.setting, version) ? sizeOfString(frame.streamNo ?? "") : 0) +
    sizeOfString(frame.channelId) +
    1 +
    (version >= 3 ? 4 : 0) +
    sizeOfString(frame.msgKey) +
    ((frame.setting & Setting.topic) === 0 ? 0 : sizeOfString(frame.topic)) +
    frame.payload.length
  );
}

export function writeSend(frame: Send, version: number, writer: Writer): void {
  writer.u8(frame.setting);
  writer.u32(frame.clientSeq);
  writer.string(frame.clientMsgNo);
  if (hasStreamFields(frame.setting, version)) writer.string(frame.streamNo ?? "");
  writer.string(frame.channelId);
  writer.u8(frame.channelType);
  if (version >= 3) writer.u32(frame.expire);
  writer.string(frame.msgKey);
  if ((frame.setting & Setting.topic) !== 0) writer.string(frame.topic);
  writer.raw(frame.payload);
}

export function readSend(reader: Reader, flags: number, version: number): Send {
  const setting = reader.u8();
  const clientSeq = reader.u32();
  const clientMsgNo = reader.string();
  const streamNo = hasStreamFields(setting, version) ? reader.string() : undefined;
  const channelId = reader.string();
  const channelType = reader.u8();
  const expire = version >= 3 ? reader.u32() : 0;
  const msgKey = reader.string();
  const topic = (setting & Setting.topic) === 0 ? "" : reader.string();
  const payload = reader.rest();
  if (streamNo === undefined) {
    return { type: 3, flags, setting, clientSeq, clientMsgNo, channelId, channelType, expire, msgKey, topic, payload };
  }
  return {
    type: 3,
    flags,
    setting,
    clientSeq,
    clientMsgNo,
    streamNo,
    channelId,
    channelType,
    expire,
    msgKey,
    topic,
    payload,
  };
}
