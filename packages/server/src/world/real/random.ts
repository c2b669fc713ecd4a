/** The system's random numbers, taken in blocks: one call to the generator per number would cost a microsecond. */
import { randomBytes, randomFillSync } from "node:crypto";
import type { Random } from "../world.ts";

export function createRandom(): Random {
  const pool = new Uint32Array(1024);
  let next = pool.length;
  return {
    bytes: (count) => new Uint8Array(randomBytes(count)),
    uint32() {
      if (next === pool.length) {
        randomFillSync(pool);
        next = 0;
      }
      const value = pool[next] ?? 0;
      pool[next] = 0;
      next += 1;
      return value;
    },
  };
}
