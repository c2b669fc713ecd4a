/** Which payload the n-th message of a stream has: always the same one, so that it can be sealed ahead. */
import type { PayloadShare } from "../scenario/scenario.ts";

const SLOTS = 1_000;
const GOLDEN = 0x9e3779b1;

export class PayloadChoice {
  /** JSON texts of exactly the wanted bytes. */
  readonly payloads: readonly Uint8Array[];
  readonly #slots = new Uint8Array(SLOTS);

  constructor(shares: readonly PayloadShare[]) {
    this.payloads = shares.map((share) => payloadOf(share.bytes));
    let from = 0;
    let sum = 0;
    for (const [index, share] of shares.entries()) {
      sum += share.share;
      const to = index === shares.length - 1 ? SLOTS : Math.round(sum * SLOTS);
      this.#slots.fill(index, from, to);
      from = to;
    }
  }

  indexOf(n: number): number {
    return this.#slots[(Math.imul(n, GOLDEN) >>> 0) % SLOTS]!;
  }
}

/** A text message of WuKongIM's SDKs, at least 26 bytes. */
export function payloadOf(bytes: number): Uint8Array {
  const frame = JSON.stringify({ type: 1, content: "" });
  return Buffer.from(JSON.stringify({ type: 1, content: "x".repeat(Math.max(0, bytes - frame.length)) }));
}
