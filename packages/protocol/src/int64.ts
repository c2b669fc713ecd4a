/**
 * 64-bit integers as two unsigned 32-bit halves: exact, comparable and without a BigInt on the hot path.
 * As text and as bigint they are signed, like the message ids of the wire.
 */
import { writeUnsignedDecimal } from "./decimal.ts";

export interface Int64 {
  readonly high: number;
  readonly low: number;
}

const TEN_TO_9 = 1_000_000_000;
const DECIMAL = /^-?[0-9]{1,19}$/;
const MAX = 0x7fff_ffff_ffff_ffffn;
const MIN = -0x8000_0000_0000_0000n;

export function int64ToBigInt(value: Int64): bigint {
  return BigInt.asIntN(64, (BigInt(value.high) << 32n) | BigInt(value.low));
}

/** Takes the low 64 bits. */
export function int64FromBigInt(value: bigint): Int64 {
  return { high: Number(BigInt.asUintN(32, value >> 32n)), low: Number(BigInt.asUintN(32, value)) };
}

export function int64ToText(value: Int64): string {
  if (value.high < 0x20_0000) return String(value.high * 0x1_0000_0000 + value.low);
  return int64ToBigInt(value).toString();
}

/** undefined: not a decimal number, or beyond 64 bits signed. */
export function int64FromText(text: string): Int64 | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = BigInt(text);
  return value > MAX || value < MIN ? undefined : int64FromBigInt(value);
}

/** Writes the decimal digits as ASCII and returns the offset behind them; at most 20 bytes. */
export function writeInt64Decimal(bytes: Uint8Array, offset: number, value: Int64): number {
  let high = value.high;
  let low = value.low;
  let at = offset;
  if (high >= 0x8000_0000) {
    bytes[at++] = 0x2d;
    low = (~low + 1) >>> 0;
    high = (low === 0 ? ~high + 1 : ~high) >>> 0;
  }
  if (high < 0x20_0000) return writeUnsignedDecimal(bytes, at, high * 0x1_0000_0000 + low);

  // Two long divisions by 10^9 in base 2^16; every intermediate stays below 2^46, so doubles are exact.
  let rest = high;
  const q0 = Math.floor(rest / TEN_TO_9);
  rest = (rest - q0 * TEN_TO_9) * 0x1_0000 + (low >>> 16);
  const q1 = Math.floor(rest / TEN_TO_9);
  rest = (rest - q1 * TEN_TO_9) * 0x1_0000 + (low & 0xffff);
  const q2 = Math.floor(rest / TEN_TO_9);
  const lowest = rest - q2 * TEN_TO_9;
  const upper = (q0 * 0x1_0000 + q1) * 0x1_0000 + q2; // below 2^34: the value is below 2^64
  at = writeUnsignedDecimal(bytes, at, upper);
  for (let divisor = 100_000_000; divisor >= 1; divisor /= 10) bytes[at++] = 0x30 + (Math.floor(lowest / divisor) % 10);
  return at;
}
