/** Integers as decimal ASCII digits in a byte array, without a string in between. */

/** `value` is a safe non-negative integer. Returns the offset behind the digits; at most 16 bytes. */
export function writeUnsignedDecimal(bytes: Uint8Array, offset: number, value: number): number {
  let digits = 1;
  for (let bound = 10; bound <= value; bound *= 10) digits++;
  const end = offset + digits;
  let at = end;
  let rest = value;
  while (rest > 0xffff_ffff) {
    const quotient = Math.floor(rest / 10);
    bytes[--at] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  }
  // From here on 32-bit integer arithmetic, which is several times faster.
  let small = rest >>> 0;
  while (at > offset) {
    const quotient = (small / 10) >>> 0;
    bytes[--at] = 0x30 + (small - quotient * 10);
    small = quotient;
  }
  return end;
}

export function writeSignedDecimal(bytes: Uint8Array, offset: number, value: number): number {
  if (value >= 0) return writeUnsignedDecimal(bytes, offset, value);
  bytes[offset] = 0x2d;
  return writeUnsignedDecimal(bytes, offset + 1, -value);
}
