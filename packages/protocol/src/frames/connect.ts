/**
 * CONNECT, the client's first packet. The same layout in every version.
 *
 *   version u8 | deviceFlag u8 | deviceId str | uid str | token str | clientTimestamp i64 | clientKey str
 */
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Connect {
  readonly type: 1;
  /** What the client speaks; any number, also beyond what the server knows. */
  readonly version: number;
  readonly deviceFlag: number;
  readonly deviceId: string;
  readonly uid: string;
  readonly token: string;
  /** Milliseconds, but seconds from the Go SDK. */
  readonly clientTimestamp: bigint;
  /** base64 of an X25519 public key. */
  readonly clientKey: string;
}

export function sizeOfConnect(frame: Connect): number {
  return (
    2 +
    sizeOfString(frame.deviceId) +
    sizeOfString(frame.uid) +
    sizeOfString(frame.token) +
    8 +
    sizeOfString(frame.clientKey)
  );
}

export function writeConnect(frame: Connect, writer: Writer): void {
  writer.u8(frame.version);
  writer.u8(frame.deviceFlag);
  writer.string(frame.deviceId);
  writer.string(frame.uid);
  writer.string(frame.token);
  writer.u64(frame.clientTimestamp);
  writer.string(frame.clientKey);
}

export function readConnect(reader: Reader): Connect {
  return {
    type: 1,
    version: reader.u8(),
    deviceFlag: reader.u8(),
    deviceId: reader.string(),
    uid: reader.string(),
    token: reader.string(),
    clientTimestamp: reader.i64(),
    clientKey: reader.string(),
  };
}
