/**
 * A SEND as the host puts it in:
 *
 *   signBytes u32 | textBytes u32 | result i32 | 20 bytes unused | msgKey, 32 characters
 *   | sign text: what stands before the payload, then the payload (base64) | 16 bytes for its padding
 *
 * The result is the length of the plain payload, which replaces the sign text, or -1.
 */
import { decrypt, encrypt, encryptFour } from "./aes";
import { blocksOf, decode } from "./base64";
import { digestFour, digestOf, digestOne } from "./md5";
import { ciphertextOf } from "./memory";
import { hexHigh, hexLow, pad } from "./seal";

const MSG_KEY: usize = 32;
const SIGN: usize = 64;

@inline
function signBlocks(send: usize): usize {
  return pad(send + SIGN, load<u32>(send) + load<u32>(send, 4));
}

/** Verifies, decodes, decrypts, and only then looks at the padding. */
function finish(send: usize, slot: usize, lane: usize): void {
  store<i32>(send, -1, 8);
  const digest = digestOf(lane);
  const difference = v128.or(
    v128.xor(hexLow(digest), v128.load(send, MSG_KEY)),
    v128.xor(hexHigh(digest), v128.load(send, MSG_KEY + 16)),
  );
  if (v128.any_true(difference)) return;
  const text = send + SIGN + load<u32>(send);
  const blocks = blocksOf(text, load<u32>(send, 4));
  if (blocks === 0) return;
  const ciphertext = ciphertextOf(lane);
  if (!decode(text, ciphertext, blocks)) return;
  const plain = send + SIGN;
  decrypt(slot, ciphertext, plain, blocks);
  const length = blocks << 4;
  const padding: usize = load<u8>(plain + length - 1);
  if (padding === 0 || padding > 16) return;
  for (let at = length - padding; at < length; at++) if (load<u8>(plain + at) !== <u8>padding) return;
  store<i32>(send, <i32>(length - padding), 8);
}

export function openOne(send: usize, slot: usize): void {
  const blocks = signBlocks(send);
  encrypt(slot, send + SIGN, ciphertextOf(0), blocks);
  digestOne(blocks);
  finish(send, slot, 0);
}

/** Four SENDs of any sessions in step. The last two may be the same: there were but three. */
export function openFour(
  send0: usize, send1: usize, send2: usize, send3: usize,
  slot0: usize, slot1: usize, slot2: usize, slot3: usize,
): void {
  const blocks0 = signBlocks(send0);
  const blocks1 = signBlocks(send1);
  const blocks2 = signBlocks(send2);
  const blocks3 = signBlocks(send3);
  encryptFour(
    slot0, slot1, slot2, slot3,
    send0 + SIGN, send1 + SIGN, send2 + SIGN, send3 + SIGN,
    ciphertextOf(0), ciphertextOf(1), ciphertextOf(2), ciphertextOf(3),
    max(max(blocks0, blocks1), max(blocks2, blocks3)),
  );
  digestFour(blocks0, blocks1, blocks2, blocks3);
  finish(send0, slot0, 0);
  finish(send1, slot1, 1);
  finish(send2, slot2, 2);
  if (send3 !== send2) finish(send3, slot3, 3);
}
