import type { Seeded } from "../harness/seeded.ts";

/** One to four faults: a changed byte, a piece lost, doubled or put in. */
export function mutated(random: Seeded, bytes: Buffer): Buffer {
  let faulty = Buffer.from(bytes);
  for (let faults = 1 + random.below(4); faults > 0; faults--) {
    const at = random.below(faulty.length + 1);
    const kind = random.below(4);
    const [before, behind] = [faulty.subarray(0, at), faulty.subarray(at)];
    if (kind === 0 && behind.length > 0) faulty[at]! ^= 1 << random.below(8);
    else if (kind === 1) faulty = Buffer.concat([before, behind.subarray(random.below(8))]);
    else if (kind === 2) faulty = Buffer.concat([before, random.bytes(random.below(8)), behind]);
    else faulty = Buffer.concat([before, behind.subarray(0, random.below(16)), behind]);
  }
  return faulty;
}
