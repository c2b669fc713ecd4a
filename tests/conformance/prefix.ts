/** The prefix that makes the ids of a case new in every run, with the checksums that the case asks for. */
import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const TRIES_MAX = 20_000;
const SLOTS = 64;

/** Dialogue partners outside slot 0, where v2.2.5 forgets to say who went offline, unless the case says otherwise. */
const USUAL_SLOTS: Readonly<Record<string, number | null>> = { "{p}a": null, "{p}b": null };

export function createPrefix(descending: readonly string[] = [], slots: Readonly<Record<string, number>> = {}): string {
  const wantedSlots = Object.entries({ ...USUAL_SLOTS, ...slots });
  for (let tried = 0; tried < TRIES_MAX; tried++) {
    const prefix = `k${randomBytes(4).toString("hex")}z`;
    const sums = descending.map((id) => crc32(id.replaceAll("{p}", prefix)));
    const descends = sums.every((sum, index) => index === 0 || sums[index - 1]! > sum);
    if (!descends) continue;
    const fit = wantedSlots.every(([id, wanted]) => {
      const slot = crc32(id.replaceAll("{p}", prefix)) % SLOTS;
      return wanted === null ? slot !== 0 : slot === wanted;
    });
    if (fit) return prefix;
  }
  throw new Error(`no prefix orders the checksums of ${descending.join(", ")}`);
}

export function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}
