/** DISCONNECT, from the server's side: why, in words the client may show. A client's own one only closes the connection. */
import { encodeFrame } from "@wukong-ts/protocol";

export function disconnectFrame(reason: number, text: string, version: number): Uint8Array {
  return encodeFrame({ type: 9, reason, text }, version);
}
