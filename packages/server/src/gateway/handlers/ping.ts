/** PING → PONG: one byte, the same for everybody. */
import { encodeFrame, LATEST_VERSION } from "@wukong-ts/protocol";

/** A new buffer each time: what is written belongs to the socket. */
export function pong(): Uint8Array {
  return encodeFrame({ type: 8 }, LATEST_VERSION);
}
