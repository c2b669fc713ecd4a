/** For every packet and version: decoding what was encoded gives the frame back, whatever its values. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Setting } from "./flags.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import { hasStreamFields } from "./frames/send.ts";
import { encodeSendack } from "./frames/sendack.ts";

const versions = [0, 1, 2, 3, 4, 5, 6] as const;

const u8 = fc.nat({ max: 0xff });
const u32 = fc.nat({ max: 0xffff_ffff });
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int64 = fc.record({ high: u32, low: u32 });
const flags = fc.nat({ max: 15 });
const text = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.string({ minLength: 200, maxLength: 400 }));
const payload = fc.uint8Array({ maxLength: 600 });
const messageSeq = (version: number): fc.Arbitrary<number> => (version < 6 ? u32 : fc.maxSafeNat());
const emptyUnless = (isThere: boolean, value: string): string => (isThere ? value : "");

/** Frames as the wire of that version can carry them: a field that is not on it has its default. */
function frames(version: number): Readonly<Record<string, fc.Arbitrary<Frame>>> {
  return {
    connect: fc.record({
      type: fc.constant(1 as const),
      version: u8,
      deviceFlag: u8,
      deviceId: text,
      uid: text,
      token: text,
      clientTimestamp: i64,
      clientKey: text,
    }),
    connack: fc
      .record({ serverVersion: fc.option(u8), timeDiff: i64, reason: u8, serverKey: text, salt: text, nodeId: u64 })
      .map(({ serverVersion, nodeId, ...fields }) => ({
        type: 2 as const,
        ...fields,
        ...(serverVersion === null ? {} : { serverVersion }),
        ...(version >= 4 ? { nodeId } : {}),
      })),
    send: fc
      .record({
        flags,
        setting: u8,
        clientSeq: u32,
        clientMsgNo: text,
        streamNo: text,
        channelId: text,
        channelType: u8,
        expire: u32,
        msgKey: text,
        topic: text,
        payload,
      })
      .map(({ streamNo, ...fields }) => ({
        type: 3 as const,
        ...fields,
        ...(hasStreamFields(fields.setting, version) ? { streamNo } : {}),
        expire: version >= 3 ? fields.expire : 0,
        topic: emptyUnless((fields.setting & Setting.topic) !== 0, fields.topic),
      })),
    sendack: fc
      .record({
        flags,
        messageId: int64,
        clientSeq: u32,
        messageSeq: messageSeq(version),
        reason: u8,
        clientMsgNo: text,
      })
      .map(({ clientMsgNo, ...fields }) => ({
        type: 4 as const,
        ...fields,
        ...(version >= 6 && clientMsgNo !== "" ? { clientMsgNo } : {}),
      })),
    recv: fc
      .record({
        flags,
        setting: u8,
        msgKey: text,
        fromUid: text,
        channelId: text,
        channelType: u8,
        expire: u32,
        clientMsgNo: text,
        streamFlag: u8,
        streamNo: text,
        streamId: int64,
        messageId: int64,
        messageSeq: messageSeq(version),
        timestamp: i32,
        topic: text,
        payload,
      })
      .map(({ streamFlag, streamNo, streamId, ...fields }) => ({
        type: 5 as const,
        ...fields,
        ...(hasStreamFields(fields.setting, version) ? { streamFlag, streamNo, streamId } : {}),
        expire: version >= 3 ? fields.expire : 0,
        topic: emptyUnless((fields.setting & Setting.topic) !== 0, fields.topic),
      })),
    recvack: fc.record({
      type: fc.constant(6 as const),
      flags,
      messageId: int64,
      messageSeq: messageSeq(version),
    }),
    ping: fc.constant({ type: 7 as const }),
    pong: fc.constant({ type: 8 as const }),
    disconnect: fc.record({ type: fc.constant(9 as const), reason: u8, text }),
    sub: fc.record({
      type: fc.constant(10 as const),
      setting: u8,
      subNo: text,
      channelId: text,
      channelType: u8,
      action: u8,
      param: text,
    }),
    suback: fc.record({
      type: fc.constant(11 as const),
      subNo: text,
      channelId: text,
      channelType: u8,
      action: u8,
      reason: u8,
    }),
    event: fc.record({ type: fc.constant(12 as const), id: text, eventType: text, timestamp: i64, data: payload }),
  };
}

describe.each(versions)("version %i", (version) => {
  test.each(Object.entries(frames(version)))("%s survives the wire, alone and cut in two", (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), (frame, cutAt) => {
        const bytes = encodeFrame(frame, version);
        expect(bytes.buffer.byteLength).toBe(bytes.length);
        const decoder = new FrameDecoder({ version });
        decoder.push(bytes);
        expect(decoder.next()).toEqual(frame);
        expect(decoder.next()).toBeUndefined();
        expect(decoder.bufferedBytes).toBe(0);

        const cut = cutAt % bytes.length;
        decoder.push(bytes.slice(0, cut));
        expect(decoder.next()).toBeUndefined();
        decoder.push(bytes.slice(cut));
        expect(decoder.next()).toEqual(frame);
      }),
      { numRuns: 60 },
    );
  });

  test("fields that are not on the wire of this version are not written", () => {
    const send: Frame = {
      type: 3,
      flags: 0,
      setting: Setting.stream,
      clientSeq: 1,
      clientMsgNo: "n",
      streamNo: "s",
      channelId: "c",
      channelType: 1,
      expire: 9,
      msgKey: "",
      topic: "not without the bit",
      payload: new Uint8Array(0),
    };
    const hasStream = version >= 2 && version <= 4;
    const bodyBytes = 5 + 3 + (hasStream ? 3 : 0) + 3 + 1 + (version >= 3 ? 4 : 0) + 2;
    expect(encodeFrame(send, version).length).toBe(2 + bodyBytes);
    const ack = encodeSendack(0, { high: 0, low: 1 }, 1, 1, 1, "n", version);
    expect(ack.length).toBe(version >= 6 ? 2 + 21 + 3 : 2 + 17);
  });
});
