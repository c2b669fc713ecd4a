/**
 * Where everything lies in the memory of the module. The host reads these numbers, it does not repeat them.
 *
 *   0        tables (placed by the compiler), then the working memory of MD5
 *   LANES    four lanes: the sign text, and ciphertext before it is text
 *   MESSAGES what the host puts in: cut messages, SENDs
 *   FRAMES   what it takes out: frames, one behind the other
 *   SLOTS    one per session, to the end; grows
 *
 * A lane that is done before the others reads on behind its text, so behind MESSAGES there must be more memory than the
 * longest text has. What it reads there goes to its own ciphertext and is never looked at.
 */

/** Sixteen words of text, each for four lanes. */
export const WORDS: usize = 0x3000;
/** One block of text for each of four lanes. */
export const BLOCKS: usize = 0x3100;
/** a, b, c, d, each for four lanes. */
export const DIGEST: usize = 0x3200;
/** Key and IV of a session that is added. */
export const KEY: usize = 0x3300;
/** The end of a base64 text. */
export const TAIL: usize = 0x3340;

export const LANES: usize = 0x4000;
/** Odd multiples of a cache line apart, so that the lanes do not fall on each other in the cache. */
export const LANE_BYTES: usize = 0x31140;
/** The ciphertext of a lane, behind its sign text. */
export const CIPHERTEXT: usize = 0x18840;
/** The longest text a lane encrypts, its padding included. */
export const TEXT_BYTES_MAX: usize = 0x18000;

export const MESSAGES: usize = 0xd0000;
export const MESSAGES_BYTES: usize = 0x80000;
export const FRAMES: usize = 0x150000;
export const FRAMES_BYTES: usize = 0x80000;
export const SLOTS: usize = 0x1d0000;

@inline
export function signOf(lane: usize): usize {
  return LANES + lane * LANE_BYTES;
}

@inline
export function ciphertextOf(lane: usize): usize {
  return LANES + lane * LANE_BYTES + CIPHERTEXT;
}
