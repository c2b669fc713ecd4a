/** A server's WebSocket messages as bytes: final, not compressed, not masked (RFC 6455, section 5.2). */

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;
/** From here on the length has two bytes of its own, and beyond 16 bits eight. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const LENGTH_16_MAX = 0xffff;

/** All of them behind each other, each with its header, in a buffer of their own. */
export function webSocketMessages(messages: readonly Uint8Array[], isText: boolean): Buffer {
  let bytes = 0;
  for (const message of messages) bytes += headerBytes(message.length) + message.length;
  const joined = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const message of messages) {
    const { length } = message;
    joined[at] = isText ? FINAL_TEXT : FINAL_BINARY;
    if (length < LENGTH_16) {
      joined[at + 1] = length;
    } else if (length <= LENGTH_16_MAX) {
      joined[at + 1] = LENGTH_16;
      joined.writeUInt16BE(length, at + 2);
    } else {
      joined[at + 1] = LENGTH_64;
      joined.writeUInt32BE(0, at + 2);
      joined.writeUInt32BE(length, at + 6);
    }
    at += headerBytes(length);
    joined.set(message, at);
    at += length;
  }
  return joined;
}

function headerBytes(length: number): number {
  if (length < LENGTH_16) return 2;
  return length <= LENGTH_16_MAX ? 4 : 10;
}
