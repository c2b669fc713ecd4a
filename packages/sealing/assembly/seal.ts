/**
 * A message as the host puts it in (a cut), for any number of sessions:
 *
 *   topAt u32 | topBytes u32 | msgKeyAt u32 | signBytes u32 | payloadAt u32 | payloadBlocks u32 | 8 bytes unused
 *   | top: the frame up to its payload, with 32 bytes at msgKeyAt left open
 *   | sign: what stands before the payload in the sign text
 *   | payload, plain, with its padding
 *
 * topAt and payloadAt count from here, msgKeyAt from the top.
 *
 * Frames are written byte by byte where the host wants them; nothing is written beyond their end.
 */
import { encrypt, encryptFour } from "./aes";
import { encode, textLength } from "./base64";
import { digestFour, digestOf, digestOne } from "./md5";
import { ciphertextOf, signOf } from "./memory";

const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102], 16);

@inline
function topOf(cut: usize): usize {
  return cut + load<u32>(cut);
}

@inline
function topBytes(cut: usize): usize {
  return load<u32>(cut, 4);
}

@inline
function msgKeyAt(cut: usize): usize {
  return load<u32>(cut, 8);
}

@inline
function signBytes(cut: usize): usize {
  return load<u32>(cut, 12);
}

@inline
function payloadOf(cut: usize): usize {
  return cut + load<u32>(cut, 16);
}

@inline
function payloadBlocks(cut: usize): usize {
  return load<u32>(cut, 20);
}

/** The 32 hex digits of a digest are stored as two vectors. */
@inline
export function hexLow(digest: v128): v128 {
  return hex(digest, 0);
}

@inline
function hex(digest: v128, half: i32): v128 {
  const low = i8x16.splat(0x0f);
  const highs = v128.and(i32x4.shr_u(digest, 4), low);
  const lows = v128.and(digest, low);
  const nibbles =
    half === 0
      ? v128.shuffle<u8>(highs, lows, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
      : v128.shuffle<u8>(highs, lows, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return i8x16.relaxed_swizzle(v128.load(HEX), nibbles);
}

@inline
export function hexHigh(digest: v128): v128 {
  return hex(digest, 1);
}

/** At least 16 bytes, and not one more than asked for: the end is copied as the last 16. */
@inline
function copy(to: usize, from: usize, length: usize): void {
  const last = length - 16;
  for (let at: usize = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + last, v128.load(from + last));
}

/** The sign text of the lane, padded, from its encrypted payload. Returns its blocks. */
function signText(cut: usize, lane: usize): usize {
  const to = signOf(lane);
  const from = topOf(cut) + topBytes(cut);
  const prefix = signBytes(cut);
  // The text is written behind it afterwards, so it may write too much.
  for (let at: usize = 0; at < prefix; at += 16) v128.store(to + at, v128.load(from + at));
  const length = prefix + encode(ciphertextOf(lane), to + prefix, payloadBlocks(cut));
  return pad(to, length);
}

/** Puts the padding behind a text. Returns its blocks. */
@inline
export function pad(text: usize, length: usize): usize {
  v128.store(text + length, i8x16.splat(<i8>(16 - (length & 15))));
  return (length >> 4) + 1;
}

function writeFrame(cut: usize, lane: usize, out: usize): void {
  const top = topBytes(cut);
  copy(out, topOf(cut), top);
  const digest = digestOf(lane);
  const msgKey = out + msgKeyAt(cut);
  v128.store(msgKey, hexLow(digest));
  v128.store(msgKey, hexHigh(digest), 16);
  copy(out + top, signOf(lane) + signBytes(cut), textLength(payloadBlocks(cut)));
}

export function sealOne(cut: usize, slot: usize, out: usize): void {
  encrypt(slot, payloadOf(cut), ciphertextOf(0), payloadBlocks(cut));
  const blocks = signText(cut, 0);
  encrypt(slot, signOf(0), ciphertextOf(0), blocks);
  digestOne(blocks);
  writeFrame(cut, 0, out);
}

/** Four frames in step; messages, sessions and lengths may be four different ones. A repeated one is sealed again. */
export function sealFour(
  cut0: usize, cut1: usize, cut2: usize, cut3: usize,
  slot0: usize, slot1: usize, slot2: usize, slot3: usize,
  out0: usize, out1: usize, out2: usize, out3: usize,
): void {
  encryptFour(
    slot0, slot1, slot2, slot3,
    payloadOf(cut0), payloadOf(cut1), payloadOf(cut2), payloadOf(cut3),
    ciphertextOf(0), ciphertextOf(1), ciphertextOf(2), ciphertextOf(3),
    max(max(payloadBlocks(cut0), payloadBlocks(cut1)), max(payloadBlocks(cut2), payloadBlocks(cut3))),
  );
  const blocks0 = signText(cut0, 0);
  const blocks1 = signText(cut1, 1);
  const blocks2 = signText(cut2, 2);
  const blocks3 = signText(cut3, 3);
  encryptFour(
    slot0, slot1, slot2, slot3,
    signOf(0), signOf(1), signOf(2), signOf(3),
    ciphertextOf(0), ciphertextOf(1), ciphertextOf(2), ciphertextOf(3),
    max(max(blocks0, blocks1), max(blocks2, blocks3)),
  );
  digestFour(blocks0, blocks1, blocks2, blocks3);
  writeFrame(cut0, 0, out0);
  writeFrame(cut1, 1, out1);
  writeFrame(cut2, 2, out2);
  writeFrame(cut3, 3, out3);
}
