/**
 * SUBACK, the answer to SUB.
 *
 *   subNo str | channelId str | channelType u8 | action u8 | reason u8
 */
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Suback {
  readonly type: 11;
  readonly subNo: string;
  readonly channelId: string;
  readonly channelType: number;
  readonly action: number;
  readonly reason: number;
}

export function sizeOfSuback(frame: Suback): number {
  return sizeOfString(frame.subNo) + sizeOfString(frame.channelId) + 3;
}

export function writeSuback(frame: Suback, writer: Writer): void {
  writer.string(frame.subNo);
  writer.string(frame.channelId);
  writer.u8(frame.channelType);
  writer.u8(frame.action);
  writer.u8(frame.reason);
}

export function readSuback(reader: Reader): Suback {
  return {
    type: 11,
    subNo: reader.string(),
    channelId: reader.string(),
    channelType: reader.u8(),
    action: reader.u8(),
    reason: reader.u8(),
  };
}
