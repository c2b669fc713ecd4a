/** A sampled RECV is decoded in full and proved with the session's keys. */
import { FrameDecoder, int64ToBigInt, PacketType } from "@wukong-ts/protocol";
import type { Connection } from "./connection.ts";

/** The msgKey fits and the payload is one of `payloads`. */
export function isGenuine(
  connection: Connection,
  bytes: Uint8Array,
  start: number,
  end: number,
  payloads: readonly Uint8Array[],
): boolean {
  const length = end - start;
  const head: number[] = [];
  for (let rest = length; ; rest >>>= 7) {
    head.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  const decoder = new FrameDecoder({ version: connection.options.version });
  decoder.push(Buffer.concat([Buffer.from([PacketType.recv << 4, ...head]), bytes.subarray(start, end)]));
  const frame = decoder.next();
  if (frame?.type !== PacketType.recv) return false;
  const { cipher } = connection;
  if (cipher === undefined) return isOneOf(frame.payload, payloads);
  const signed = `${int64ToBigInt(frame.messageId)}${frame.messageSeq}${frame.clientMsgNo}${frame.timestamp}${frame.fromUid}${frame.channelId}${frame.channelType}`;
  if (cipher.msgKey(Buffer.concat([Buffer.from(signed), frame.payload])) !== frame.msgKey) return false;
  const plain = cipher.decrypt(frame.payload);
  return plain !== undefined && isOneOf(plain, payloads);
}

function isOneOf(payload: Uint8Array, payloads: readonly Uint8Array[]): boolean {
  return payloads.some((each) => Buffer.compare(each, payload) === 0);
}
