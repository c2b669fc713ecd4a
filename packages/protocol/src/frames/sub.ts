/**
 * SUB, a client's wish to follow a channel.
 *
 *   setting u8 | subNo str | channelId str | channelType u8 | action u8 (0 subscribe, 1 unsubscribe) | param str
 */
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Sub {
  readonly type: 10;
  readonly setting: number;
  readonly subNo: string;
  readonly channelId: string;
  readonly channelType: number;
  readonly action: number;
  readonly param: string;
}

export function sizeOfSub(frame: Sub): number {
  return 3 + sizeOfString(frame.subNo) + sizeOfString(frame.channelId) + sizeOfString(frame.param);
}

export function writeSub(frame: Sub, writer: Writer): void {
  writer.u8(frame.setting);
  writer.string(frame.subNo);
  writer.string(frame.channelId);
  writer.u8(frame.channelType);
  writer.u8(frame.action);
  writer.string(frame.param);
}

export function readSub(reader: Reader): Sub {
  return {
    type: 10,
    setting: reader.u8(),
    subNo: reader.string(),
    channelId: reader.string(),
    channelType: reader.u8(),
    action: reader.u8(),
    param: reader.string(),
  };
}
