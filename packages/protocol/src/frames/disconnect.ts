/**
 * DISCONNECT: the sender is about to close, and why.
 *
 *   reason u8 | text str
 */
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Disconnect {
  readonly type: 9;
  readonly reason: number;
  readonly text: string;
}

export function sizeOfDisconnect(frame: Disconnect): number {
  return 1 + sizeOfString(frame.text);
}

export function writeDisconnect(frame: Disconnect, writer: Writer): void {
  writer.u8(frame.reason);
  writer.string(frame.text);
}

export function readDisconnect(reader: Reader): Disconnect {
  return { type: 9, reason: reader.u8(), text: reader.string() };
}
