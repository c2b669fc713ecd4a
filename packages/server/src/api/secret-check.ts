/** Comparing a given secret with the right one: hashes have one length and tell nothing about how much of a guess was right. */
import { hash, timingSafeEqual } from "node:crypto";

export function secretCheck(expected: string): (given: string) => boolean {
  const expectedHash = hash("sha256", expected, "buffer");
  return (given) => timingSafeEqual(hash("sha256", given, "buffer"), expectedHash);
}
