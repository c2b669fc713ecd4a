/**
 * EVENT, something pushed that is no message. Never encrypted; clients below version 5 do not know it.
 *
 *   id str | eventType str | timestamp i64 | data
 */
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Event {
  readonly type: 12;
  readonly id: string;
  readonly eventType: string;
  /** Milliseconds. */
  readonly timestamp: bigint;
  /** JSON text for the JavaScript SDK. */
  readonly data: Uint8Array;
}

export function sizeOfEvent(frame: Event): number {
  return sizeOfString(frame.id) + sizeOfString(frame.eventType) + 8 + frame.data.length;
}

export function writeEvent(frame: Event, writer: Writer): void {
  writer.string(frame.id);
  writer.string(frame.eventType);
  writer.u64(frame.timestamp);
  writer.raw(frame.data);
}

export function readEvent(reader: Reader): Event {
  return { type: 12, id: reader.string(), eventType: reader.string(), timestamp: reader.i64(), data: reader.rest() };
}
