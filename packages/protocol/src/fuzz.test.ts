/**
 * Recorded bytes and texts, damaged at random: whatever comes of it, nothing but ProtocolError is thrown, a stream cut
 * anywhere means the same, and what was decoded survives the wire again.
 *
 * 5 seconds in the suite; WK_FUZZ_SECONDS=600 for a long run. WK_FUZZ_SEED=… starts with that case.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  createSessionCipher,
  decodeJsonRpc,
  encodeFrame,
  type Frame,
  FrameDecoder,
  JsonSplitter,
  jsonText,
  looksLikeJson,
  openSend,
  ProtocolError,
  parseProxyHeader,
  sealRecv,
} from "./index.ts";

interface Vectors {
  readonly binary: readonly { readonly hex: string }[];
  readonly decodeEdgeCases: readonly { readonly hex: string }[];
  readonly proxyProtocol: readonly { readonly hex: string }[];
  readonly jsonrpc: readonly { readonly json: string }[];
}

const SECONDS_DEFAULT = 5;
const FRAME_BYTES_MAX = 4096;

const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/wkproto.json", import.meta.url), "utf8"),
);
const fromHex = ({ hex }: { readonly hex: string }): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const frames = [...vectors.binary, ...vectors.decodeEdgeCases].map(fromHex).filter((bytes) => bytes.length < 1000);
const texts = vectors.jsonrpc.map(({ json }) => Uint8Array.from(Buffer.from(json)));
const proxyHeaders = vectors.proxyProtocol.map(fromHex);
const cipher = createSessionCipher(Buffer.from("4989ad64ccaf943d"), Buffer.from("abcdefghij012345"));

const { WK_FUZZ_SECONDS, WK_FUZZ_SEED } = process.env;
const seconds = Number(WK_FUZZ_SECONDS ?? SECONDS_DEFAULT);
const firstSeed = Number(WK_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;

test(`damaged input, from WK_FUZZ_SEED=${firstSeed}`, { timeout: seconds * 1000 + 60_000 }, () => {
  const end = Date.now() + seconds * 1000;
  let cases = 0;
  let decoded = 0;
  for (; Date.now() < end || cases === 0; cases++) {
    const seed = (firstSeed + cases) >>> 0;
    try {
      decoded += runCase(createRandom(seed));
    } catch (cause) {
      throw new Error(`case ${cases} failed; replay: WK_FUZZ_SEED=${seed} WK_FUZZ_SECONDS=0`, { cause });
    }
  }
  console.log(`fuzz: ${cases} cases, ${decoded} frames decoded, WK_FUZZ_SEED=${firstSeed}`);
  expect(cases).toBeGreaterThan(0);
});

type Random = (limit: number) => number;

/** mulberry32: small, and the same everywhere. */
function createRandom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Returns how many frames came out. */
function runCase(random: Random): number {
  parseProxyHeader(damaged(random, proxyHeaders));
  looksLikeJson(damaged(random, texts));
  runJson(random, damaged(random, texts));
  return runFrames(random, damaged(random, frames));
}

/** Some recorded pieces in a row, with some bytes changed, added, removed or swapped. */
function damaged(random: Random, recorded: readonly Uint8Array[]): Uint8Array {
  const bytes: number[] = [];
  for (let count = 1 + random(4); count > 0; count--) bytes.push(...recorded[random(recorded.length)]!);
  for (let count = random(6); count > 0; count--) {
    const at = random(bytes.length + 1);
    const kind = random(5);
    if (kind === 0) bytes[Math.min(at, bytes.length - 1)] = random(256);
    else if (kind === 1) bytes.splice(at, 0, random(256));
    else if (kind === 2) bytes.splice(at, 1 + random(4));
    else if (kind === 3) bytes.splice(at, 0, ...bytes.slice(at, at + random(40)));
    else if (bytes.length > 0) bytes[Math.min(at, bytes.length - 1)]! ^= 1 << random(8);
  }
  return Uint8Array.from(bytes);
}

interface Outcome {
  readonly frames: readonly Frame[];
  readonly error: string | undefined;
}

function decodeAll(chunks: readonly Uint8Array[], version: number): Outcome {
  const decoder = new FrameDecoder({ version, frameBytesMax: FRAME_BYTES_MAX });
  const taken: Frame[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) taken.push(frame);
      expect(decoder.bufferedBytes).toBeLessThanOrEqual(FRAME_BYTES_MAX + 5);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { frames: taken, error: error.code };
  }
  return { frames: taken, error: undefined };
}

function runFrames(random: Random, bytes: Uint8Array): number {
  const version = random(8);
  const whole = decodeAll([bytes], version);
  expect(decodeAll(chunked(random, bytes), version)).toEqual(whole);
  for (const frame of whole.frames) {
    const again = decodeAll([encodeFrame(frame, version)], version);
    expect(again).toEqual({ frames: [frame], error: undefined });
    if (frame.type === 3) openSend(frame, cipher);
    if (frame.type === 5) expect(decodeAll([sealRecv(frame, cipher, version)], version).error).toBeUndefined();
  }
  return whole.frames.length;
}

function chunked(random: Random, bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random(random(4) === 0 ? 200 : 20);
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

function runJson(random: Random, bytes: Uint8Array): void {
  decodeJsonRpc(Buffer.from(bytes).toString());
  const whole = splitAll([bytes]);
  expect(splitAll(chunked(random, bytes))).toEqual(whole);
  for (const text of whole.texts) decodeJsonRpc(text);
}

function splitAll(chunks: readonly Uint8Array[]): { texts: (string | undefined)[]; error: string | undefined } {
  const splitter = new JsonSplitter({ textBytesMax: FRAME_BYTES_MAX });
  const taken: (string | undefined)[] = [];
  try {
    for (const chunk of chunks) {
      splitter.push(chunk);
      for (let text = splitter.next(); text !== undefined; text = splitter.next()) taken.push(jsonText(text));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { texts: taken, error: error.code };
  }
  return { texts: taken, error: undefined };
}
