/** Bytes that come in pieces, memory that is nobody else's, and limits. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allocateExact, allocateFromPool } from "./allocate.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import { FrameDecoder, type FrameDecoderOptions } from "./frame-decoder.ts";
import { ProtocolError } from "./protocol-error.ts";

interface FrameVector {
  readonly name: string;
  readonly protoVersion: number;
  readonly hex: string;
}

const vectors: { readonly binary: readonly FrameVector[] } = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/wkproto.json", import.meta.url), "utf8"),
);
const invalid = new Set(["send-v5-setting-stream-go-encoder-bug", "sdk104-v2-send-stream-legacy-bit2"]);
const valid = vectors.binary.filter((vector) => !invalid.has(vector.name));

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** All frames of the chunks, taken as soon as they are there; each chunk is overwritten once it was read. */
function decodeAll(chunks: readonly Uint8Array[], options: FrameDecoderOptions): Frame[] {
  const decoder = new FrameDecoder(options);
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    const received = chunk.slice();
    decoder.push(received);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame);
    received.fill(0xff);
  }
  expect(decoder.bufferedBytes).toBe(0);
  return frames;
}

const byVersion = Map.groupBy(valid, (vector) => vector.protoVersion);

describe("any split", () => {
  test("every recorded frame cut at every byte gives the same frame, with a frame before and one behind", () => {
    for (const { name, hex, protoVersion: version } of valid) {
      const bytes = bytesOf(`70${hex}80`);
      // Compared as bytes: there is a frame of 20,000 bytes, and comparing objects as often takes a minute.
      const encoded = (chunks: readonly Uint8Array[]): Buffer =>
        Buffer.concat(decodeAll(chunks, { version }).map((frame) => encodeFrame(frame, version)));
      const whole = encoded([bytes]);
      expect(whole.length).toBeGreaterThanOrEqual(3);
      for (let at = 1; at < bytes.length; at++) {
        if (!encoded([bytes.slice(0, at), bytes.slice(at)]).equals(whole)) expect.unreachable(`${name} cut at ${at}`);
      }
    }
  });

  test("all recorded frames of a version in one chunk, or byte by byte, are the same frames", () => {
    for (const [version, ofVersion] of byVersion) {
      const bytes = bytesOf(ofVersion.map((vector) => vector.hex).join(""));
      const alone = ofVersion.flatMap((vector) => decodeAll([bytesOf(vector.hex)], { version }));
      expect(alone.length).toBe(ofVersion.length);
      expect(decodeAll([bytes], { version })).toEqual(alone);
      expect(
        decodeAll(
          Array.from(bytes, (byte) => Uint8Array.of(byte)),
          { version },
        ),
      ).toEqual(alone);
    }
  });

  test("a Node Buffer that is a piece of a larger one is read where it lies", () => {
    const large = Buffer.alloc(64, 0xff);
    large.write("600c1bc16d674ec7ffff00000007", 10, "hex");
    const decoder = new FrameDecoder();
    decoder.push(large.subarray(10, 24));
    expect(decoder.next()).toEqual({
      type: 6,
      flags: 0,
      messageId: { high: 0x1bc16d67, low: 0x4ec7ffff },
      messageSeq: 7,
    });
    expect(decoder.next()).toBeUndefined();
  });

  test("a version set between two frames of one chunk holds for the second", () => {
    const acks = bytesOf(`600c1bc16d674ec7ffff00000007${"60101bc16d674ec7ffff0000010000000000"}`);
    const decoder = new FrameDecoder({ version: 5 });
    decoder.push(acks);
    expect(decoder.next()).toMatchObject({ messageSeq: 7 });
    decoder.version = 6;
    expect(decoder.next()).toMatchObject({ messageSeq: 2 ** 40 });
  });
});

describe("memory", () => {
  const send = (payload: Uint8Array): Frame => ({
    type: 3,
    flags: 0,
    setting: 0,
    clientSeq: 1,
    clientMsgNo: "n",
    channelId: "u2",
    channelType: 1,
    expire: 0,
    msgKey: "",
    topic: "",
    payload,
  });
  const payloadsOf = (frames: readonly (Frame | undefined)[]): Uint8Array[] =>
    frames.map((frame) => (frame?.type === 3 ? frame.payload : expect.unreachable()));

  test.each([
    ["memory of its own", allocateExact],
    ["a pool", allocateFromPool],
  ])("two frames of one chunk share no byte with it or each other, with %s", (_, allocate) => {
    const one = encodeFrame(send(new Uint8Array(100).fill(1)), 5);
    const two = encodeFrame(send(new Uint8Array(5000).fill(2)), 5);
    const chunk = new Uint8Array(one.length + two.length);
    chunk.set(one);
    chunk.set(two, one.length);
    const decoder = new FrameDecoder({ allocate });
    decoder.push(chunk);
    const [first, second] = payloadsOf([decoder.next(), decoder.next()]);
    chunk.fill(9);
    expect(first).toEqual(new Uint8Array(100).fill(1));
    first!.fill(7);
    expect(second).toEqual(new Uint8Array(5000).fill(2));
    second!.fill(8);
    expect(first).toEqual(new Uint8Array(100).fill(7));
  });

  test("a payload of its own has no neighbours", () => {
    const decoder = new FrameDecoder();
    decoder.push(encodeFrame(send(new Uint8Array(100).fill(1)), 5));
    expect(payloadsOf([decoder.next()])[0]!.buffer.byteLength).toBe(100);
  });

  test("frames joined over many chunks do not change when more bytes come", () => {
    const decoder = new FrameDecoder();
    const bytes = encodeFrame(send(new Uint8Array(200).fill(5)), 5);
    const taken: (Frame | undefined)[] = [];
    for (let round = 0; round < 50; round++) {
      // The cut wanders, so a frame's end and the next one's start lie in one chunk.
      decoder.push(bytes.slice(0, 10 + round));
      expect(decoder.next()).toBeUndefined();
      decoder.push(bytes.slice(10 + round));
      taken.push(decoder.next());
    }
    for (const payload of payloadsOf(taken)) expect(payload).toEqual(new Uint8Array(200).fill(5));
  });
});

describe("limits", () => {
  const header = (length: number): Uint8Array => {
    const bytes = [0x30];
    for (let rest = length; ; rest >>>= 7) {
      if (rest < 0x80) return Uint8Array.from([...bytes, rest]);
      bytes.push((rest & 0x7f) | 0x80);
    }
  };

  test("a length above the limit fails before the body is there", () => {
    const decoder = new FrameDecoder({ frameBytesMax: 1000 });
    decoder.push(header(1000));
    expect(decoder.next()).toBeUndefined();
    const tooLong = new FrameDecoder({ frameBytesMax: 1000 });
    tooLong.push(header(1001));
    expect(() => tooLong.next()).toThrow(expect.objectContaining({ code: "frame_too_large" }));
  });

  test("a frame of 1 MiB that comes in small chunks is read", () => {
    const payload = new Uint8Array(1_048_576 - 17).fill(3);
    const bytes = encodeFrame({ type: 12, id: "ab", eventType: "cde", timestamp: 1n, data: payload }, 5);
    const decoder = new FrameDecoder();
    let frame: Frame | undefined;
    for (let at = 0; at < bytes.length; at += 1000) {
      decoder.push(bytes.subarray(at, at + 1000));
      frame = decoder.next();
    }
    expect(frame?.type === 12 && Buffer.from(frame.data).equals(payload)).toBe(true);
    expect(decoder.bufferedBytes).toBe(0);
  });

  test("after an error nothing is kept, nothing is taken, and every call says it again", () => {
    const decoder = new FrameDecoder();
    decoder.push(bytesOf("70d0"));
    expect(decoder.next()).toEqual({ type: 7 });
    expect(() => decoder.next()).toThrow(ProtocolError);
    decoder.push(bytesOf("70"));
    expect(decoder.bufferedBytes).toBe(0);
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "unknown_packet" }));
  });

  test("packet types 0, 13, 14 and 15 fail at their first byte", () => {
    for (const first of [0x00, 0x0f, 0xd0, 0xe0, 0xff]) {
      const decoder = new FrameDecoder();
      decoder.push(Uint8Array.of(first));
      expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "unknown_packet" }));
    }
  });

  test("a messageSeq above 2^53 is an error and not another number", () => {
    const decoder = new FrameDecoder({ version: 6 });
    decoder.push(bytesOf("60101bc16d674ec7ffff0020000000000000"));
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "value_out_of_range" }));
  });
});

describe("strings", () => {
  const disconnect = (text: Uint8Array): Frame | undefined => {
    const decoder = new FrameDecoder();
    const body = 3 + text.length;
    const lengthBytes =
      body < 0x80
        ? [body]
        : [
            (body & 0x7f) | 0x80,
            ((body >>> 7) & 0x7f) | (body > 0x3fff ? 0x80 : 0),
            ...(body > 0x3fff ? [body >>> 14] : []),
          ];
    decoder.push(Uint8Array.from([0x90, ...lengthBytes, 12, text.length >>> 8, text.length & 0xff, ...text]));
    return decoder.next();
  };

  test.each([
    ["a lone continuation byte", [0x80]],
    ["a cut sequence", [0x61, 0xe4, 0xbd]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a code point above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a bad byte behind a long good text", [...new Array<number>(100).fill(0x61), 0xff]],
    ["a bad byte beside a U+FFFD that was sent", [0xef, 0xbf, 0xbd, 0xff]],
  ])("%s is an error and not another text", (_, bytes) => {
    expect(() => disconnect(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: "invalid_utf8" }));
  });

  test.each([
    ["a U+FFFD that was sent", "a\uFFFDb"],
    ["a byte order mark", "\uFEFFu1"],
    ["a NUL", "a\0b"],
    ["four bytes", "😀".repeat(40)],
    ["Chinese", "账号在其他设备上登录"],
    ["32,767 bytes", "x".repeat(0x7fff)],
  ])("%s comes through", (_, text) => {
    expect(disconnect(new TextEncoder().encode(text))).toEqual({ type: 9, reason: 12, text });
    const bytes = encodeFrame({ type: 9, reason: 12, text }, 5);
    expect(decodeAll([bytes], {})).toEqual([{ type: 9, reason: 12, text }]);
  });

  test("32,768 bytes are an error both ways", () => {
    const text = "x".repeat(0x8000);
    expect(() => disconnect(new TextEncoder().encode(text))).toThrow(
      expect.objectContaining({ code: "string_too_long" }),
    );
    expect(() => encodeFrame({ type: 9, reason: 12, text }, 5)).toThrow(
      expect.objectContaining({ code: "string_too_long" }),
    );
    // Fewer characters, but more bytes.
    expect(() => encodeFrame({ type: 9, reason: 12, text: "你".repeat(0x2ab0) }, 5)).toThrow(ProtocolError);
  });

  test("a lone surrogate is not encoded as something else", () => {
    for (const text of ["\ud800", "a\udfffb", "\udc00\ud800"]) {
      expect(() => encodeFrame({ type: 9, reason: 12, text }, 5)).toThrow(
        expect.objectContaining({ code: "invalid_utf8" }),
      );
    }
  });

  test("a messageSeq above 32 bits has no place below version 6", () => {
    const ack: Frame = { type: 6, flags: 0, messageId: { high: 0, low: 1 }, messageSeq: 2 ** 32 };
    expect(() => encodeFrame(ack, 5)).toThrow(expect.objectContaining({ code: "value_out_of_range" }));
    expect(decodeAll([encodeFrame(ack, 6)], { version: 6 })).toEqual([ack]);
  });
});
