/**
 * Which payload the n-th message of a stream has: always the same one, so that it can be sealed ahead. Short payloads come
 * in several texts, so that neighbours on a disk do not compress each other away.
 */
import type { PayloadShare } from "../scenario/scenario.ts";

const SLOTS = 1_000;
const GOLDEN = 0x9e3779b1;
const VARIANTS_MAX = 32;
/** Of one size, all texts together. */
const VARIANT_BYTES_MAX = 8_192;

export class PayloadChoice {
  /** JSON texts of exactly the wanted bytes: the variants of the first size, then those of the next. */
  readonly payloads: readonly Uint8Array[];
  readonly #sizeOfSlot = new Uint8Array(SLOTS);
  readonly #firstOfSize: number[] = [];
  readonly #variantsOfSize: number[] = [];

  constructor(shares: readonly PayloadShare[]) {
    const payloads: Uint8Array[] = [];
    let from = 0;
    let sum = 0;
    for (const [size, { bytes, share }] of shares.entries()) {
      sum += share;
      const to = size === shares.length - 1 ? SLOTS : Math.round(sum * SLOTS);
      this.#sizeOfSlot.fill(size, from, to);
      from = to;
      const variants = Math.max(1, Math.min(VARIANTS_MAX, Math.floor(VARIANT_BYTES_MAX / bytes)));
      this.#firstOfSize.push(payloads.length);
      this.#variantsOfSize.push(variants);
      for (let variant = 0; variant < variants; variant++) payloads.push(payloadOf(bytes, variant));
    }
    this.payloads = payloads;
  }

  /** Into `payloads`. */
  indexOf(n: number): number {
    const size = this.#sizeOfSlot[(Math.imul(n, GOLDEN) >>> 0) % SLOTS]!;
    return this.#firstOfSize[size]! + (n % this.#variantsOfSize[size]!);
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A text message as SDKs send it, at least 26 bytes, of letters that do not compress; another text for each `variant`. */
export function payloadOf(bytes: number, variant: number): Uint8Array {
  const frame = JSON.stringify({ type: 1, content: "" });
  let state = (variant + 1) * GOLDEN;
  let content = "";
  while (content.length < bytes - frame.length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    content += LETTERS[state >>> 26];
  }
  return Buffer.from(JSON.stringify({ type: 1, content }));
}
