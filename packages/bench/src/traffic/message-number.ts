/**
 * clientMsgNo as the bench makes it: `run-stream-n-0…`, 36 characters like a uuid. A RECV carries it in plain, so a
 * receiver knows which message it has without decrypting anything.
 */
export const RUN_CHARS = 7;
export const MESSAGE_NUMBER_CHARS = 36;

const STREAM_AT = RUN_CHARS + 1;
const STREAM_DIGITS = 6;
const COUNTER_AT = STREAM_AT + STREAM_DIGITS + 1;
const COUNTER_DIGITS = 8;

/** `run` has RUN_CHARS characters; `stream` and `n` count from 0 and 1. */
export function messageNumber(run: string, stream: number, n: number): string {
  const streamText = stream.toString(16).padStart(STREAM_DIGITS, "0");
  return `${run}-${streamText}-${n.toString(16).padStart(COUNTER_DIGITS, "0")}-`.padEnd(MESSAGE_NUMBER_CHARS, "0");
}

/** Writes `n` into a message number that starts at `at`. */
export function writeCounter(bytes: Uint8Array, at: number, n: number): void {
  for (let digit = COUNTER_DIGITS - 1, rest = n; digit >= 0; digit--, rest >>>= 4) {
    const value = rest & 0x0f;
    bytes[at + COUNTER_AT + digit] = value < 10 ? 0x30 + value : 0x57 + value;
  }
}

export function readStream(bytes: Uint8Array, at: number): number {
  return readHex(bytes, at + STREAM_AT, STREAM_DIGITS);
}

export function readCounter(bytes: Uint8Array, at: number): number {
  return readHex(bytes, at + COUNTER_AT, COUNTER_DIGITS);
}

function readHex(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let index = at; index < at + digits; index++) {
    const byte = bytes[index]!;
    value = (value << 4) | (byte < 0x3a ? byte - 0x30 : byte - 0x57);
  }
  return value >>> 0;
}
