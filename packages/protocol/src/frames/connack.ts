/**
 * CONNACK, the answer to CONNECT.
 *
 *   [serverVersion u8: header bit 0] | timeDiff i64 | reason u8 | serverKey str | salt str | [nodeId u64: version ≥ 4]
 *
 * Header bit 0 says that serverVersion is there; old clients do not know the field, so it is set only for clients above 3.
 */
import type { Reader } from "../reader.ts";
import { sizeOfString, type Writer } from "../writer.ts";

export interface Connack {
  readonly type: 2;
  /** Written if and only if defined. */
  readonly serverVersion?: number;
  /** Server minus client time, in milliseconds. */
  readonly timeDiff: bigint;
  readonly reason: number;
  /** base64 of an X25519 public key; empty without encryption, and so is the salt. */
  readonly serverKey: string;
  readonly salt: string;
  /** Written, as 0 when undefined, if and only if version ≥ 4. */
  readonly nodeId?: bigint;
}

const HAS_SERVER_VERSION = 1;

export function connackFlags(frame: Connack): number {
  return frame.serverVersion === undefined ? 0 : HAS_SERVER_VERSION;
}

export function sizeOfConnack(frame: Connack, version: number): number {
  return (
    (frame.serverVersion === undefined ? 0 : 1) +
    9 +
    sizeOfString(frame.serverKey) +
    sizeOfString(frame.salt) +
    (version >= 4 ? 8 : 0)
  );
}

export function writeConnack(frame: Connack, version: number, writer: Writer): void {
  if (frame.serverVersion !== undefined) writer.u8(frame.serverVersion);
  writer.u64(frame.timeDiff);
  writer.u8(frame.reason);
  writer.string(frame.serverKey);
  writer.string(frame.salt);
  if (version >= 4) writer.u64(frame.nodeId ?? 0n);
}

export function readConnack(reader: Reader, flags: number, version: number): Connack {
  const serverVersion = (flags & HAS_SERVER_VERSION) === 0 ? undefined : reader.u8();
  const timeDiff = reader.i64();
  const reason = reader.u8();
  const serverKey = reader.string();
  const salt = reader.string();
  const nodeId = version >= 4 ? reader.u64() : undefined;
  return {
    type: 2,
    ...(serverVersion === undefined ? {} : { serverVersion }),
    timeDiff,
    reason,
    serverKey,
    salt,
    ...(nodeId === undefined ? {} : { nodeId }),
  };
}
