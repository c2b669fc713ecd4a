/** What seals and opens, whatever it is made of. */
import type { Allocate, Send } from "@wukong-ts/protocol";
import type { RecvCut } from "./recv-cut.ts";

/**
 * One per thread; nothing is shared between two. All calls are synchronous and keep no reference to what they were
 * given, except that a session's key stays until `release`.
 *
 * A slot stands for one session. It must not be used after its release: that throws a `RangeError`, also when its memory
 * belongs to another session by then.
 */
export interface Sealer {
  /** "wasm": four frames in step with SIMD. "node": node:crypto, where the module cannot run. */
  readonly kind: "wasm" | "node";
  /** Slots in use. */
  readonly sessions: number;
  /** `key` and `iv` have 16 bytes each. */
  addSession(key: Uint8Array, iv: Uint8Array): number;
  /** Forgets the key, wiped. */
  release(slot: number): void;
  /**
   * Writes one frame per item, in their order and without gaps, into `out` from `at`, and returns the offset behind the
   * last one. A cut is sealed for the session in `slots` at the same index and takes `frameBytes`; bytes are copied as
   * they are, their slot is not looked at. Throws a `RangeError`, with `out` untouched, if it is too small or a slot is
   * not in use. The more items, the better four of them can be found that take equally long.
   */
  seal(items: readonly (RecvCut | Uint8Array)[], slots: readonly number[], out: Uint8Array, at?: number): number;
  /** The plain payload, or undefined if msgKey does not fit or the payload is no ciphertext: reason 9. */
  open(send: Send, slot: number, allocate?: Allocate): Uint8Array | undefined;
  /** The same for many, of any sessions: faster from three on. */
  openAll(sends: readonly Send[], slots: readonly number[], allocate?: Allocate): (Uint8Array | undefined)[];
}
