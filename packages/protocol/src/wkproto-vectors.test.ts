/** The recorded frames of the original, both ways, and its decoder's edge cases. Deliberate differences are named here. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  createSessionCipher,
  encodeFrame,
  type Frame,
  FrameDecoder,
  HeaderFlag,
  int64FromText,
  openSend,
  ProtocolError,
  sealRecv,
  sessionKey,
} from "./index.ts";

interface Vectors {
  readonly crypto: {
    readonly sharedSecretHex: string;
    readonly aesKeyAscii: string;
    readonly saltIvAscii: string;
    readonly aes: readonly {
      readonly plain: string;
      readonly cipherBase64: string;
      readonly md5HexOfCipherBase64: string;
    }[];
  };
  readonly binary: readonly FrameVector[];
  readonly decodeEdgeCases: readonly EdgeCase[];
}

interface FrameVector {
  readonly name: string;
  readonly protoVersion: number;
  readonly packet: string;
  readonly hex: string;
  readonly fields: Fields;
  readonly expectedSdkRecvackHex?: string;
}

interface Fields {
  readonly msgKey?: string;
  readonly plainPayload?: string;
  readonly flags?: Flags;
  readonly [name: string]: unknown;
}

interface EdgeCase {
  readonly name: string;
  readonly protoVersion: number;
  readonly hex: string;
  readonly goDecodeFrame: {
    readonly consumed: number;
    readonly packet?: string;
    readonly needMore?: true;
    readonly error?: true;
  };
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/wkproto.json", import.meta.url), "utf8"),
);
const byName = new Map(vectors.binary.map((vector) => [vector.name, vector]));

/** A frame with a length that is two too large; a decoder waits for two bytes that never come. */
const GO_ENCODER_BUG = "send-v5-setting-stream-go-encoder-bug";
/** The stream bit of old SDKs is no stream bit for v2.2.5 nor for us: streamNo is read as channelId and nothing fits. */
const LEGACY_STREAM_BIT = "sdk104-v2-send-stream-legacy-bit2";
/** WuKongIM v3 adds the tail in every version; here, as in v2.2.5, it does not exist below version 6. */
const TAIL_BELOW_VERSION_6 = "v3-sendack-v5-with-clientmsgno";
/** A valid frame whose recorded fields leave out msgKey and payload. */
const FIELDS_INCOMPLETE = "sdk131-v4-send-stream";
const odd = new Set([GO_ENCODER_BUG, LEGACY_STREAM_BIT, TAIL_BELOW_VERSION_6, FIELDS_INCOMPLETE]);
const regular = vectors.binary.filter((vector) => !odd.has(vector.name));

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const { crypto } = vectors;
const cipher = createSessionCipher(sessionKey(bytesOf(crypto.sharedSecretHex)), utf8(crypto.saltIvAscii));

function vector(name: string): FrameVector {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

function decode(hex: string, version: number): Frame | undefined {
  const decoder = new FrameDecoder({ version });
  decoder.push(bytesOf(hex));
  return decoder.next();
}

/** The vector's fields as our frame; what is not on the wire in that version is left out. */
function frameOf(of: FrameVector): Frame {
  const { fields, protoVersion: version } = of;
  const text = (name: string): string => `${(fields[name] ?? "") as string | number}`;
  const isTrue = (name: string): boolean => fields[name] === true;
  const number = (name: string): number => Number(fields[name] ?? 0);
  const id = (name: string) => int64FromText(text(name))!;
  const setting = number("setting");
  const hasStream = (setting & 2) !== 0 && version >= 2 && version < 5;
  const payload = (): Uint8Array => bytesOf(text("payloadHex"));
  switch (of.packet) {
    case "CONNECT":
      return {
        type: 1,
        version: number("version"),
        deviceFlag: number("deviceFlag"),
        deviceId: text("deviceId"),
        uid: text("uid"),
        token: text("token"),
        clientTimestamp: BigInt(text("clientTimestamp")),
        clientKey: text("clientKey"),
      };
    case "CONNACK":
      return {
        type: 2,
        ...(isTrue("hasServerVersion") ? { serverVersion: number("serverVersion") } : {}),
        timeDiff: BigInt(text("timeDiff")),
        reason: number("reasonCode"),
        serverKey: text("serverKey"),
        salt: text("salt"),
        ...(version >= 4 ? { nodeId: BigInt(text("nodeId")) } : {}),
      };
    case "SEND":
      return {
        type: 3,
        flags: flagsOf(fields.flags ?? {}),
        setting,
        clientSeq: number("clientSeq"),
        clientMsgNo: text("clientMsgNo"),
        ...(hasStream ? { streamNo: text("streamNo") } : {}),
        channelId: text("channelId"),
        channelType: number("channelType"),
        expire: number("expire"),
        msgKey: text("msgKey"),
        topic: text("topic"),
        payload: payload(),
      };
    case "SENDACK":
      return {
        type: 4,
        flags: flagsOf(fields.flags ?? {}),
        messageId: id("messageId"),
        clientSeq: number("clientSeq"),
        messageSeq: number("messageSeq"),
        reason: number("reasonCode"),
        ...(text("clientMsgNo") === "" ? {} : { clientMsgNo: text("clientMsgNo") }),
      };
    case "RECV":
      return {
        type: 5,
        flags: flagsOf(fields.flags ?? {}),
        setting,
        msgKey: text("msgKey"),
        fromUid: text("fromUid"),
        channelId: text("channelId"),
        channelType: number("channelType"),
        expire: number("expire"),
        clientMsgNo: text("clientMsgNo"),
        ...(hasStream
          ? { streamFlag: number("streamFlag"), streamNo: text("streamNo"), streamId: id("streamId") }
          : {}),
        messageId: id("messageId"),
        messageSeq: number("messageSeq"),
        timestamp: number("timestamp"),
        topic: text("topic"),
        payload: payload(),
      };
    case "RECVACK":
      return {
        type: 6,
        flags: flagsOf(fields.flags ?? {}),
        messageId: id("messageId"),
        messageSeq: number("messageSeq"),
      };
    case "PING":
      return { type: 7 };
    case "PONG":
      return { type: 8 };
    case "DISCONNECT":
      return { type: 9, reason: number("reasonCode"), text: text("reason") };
    case "SUB":
      return {
        type: 10,
        setting,
        subNo: text("subNo"),
        channelId: text("channelId"),
        channelType: number("channelType"),
        action: number("action"),
        param: text("param"),
      };
    case "SUBACK":
      return {
        type: 11,
        subNo: text("subNo"),
        channelId: text("channelId"),
        channelType: number("channelType"),
        action: number("action"),
        reason: number("reasonCode"),
      };
    case "EVENT":
      return {
        type: 12,
        id: text("id"),
        eventType: text("type"),
        timestamp: BigInt(text("timestamp")),
        data: utf8(text("data")),
      };
    default:
      throw new Error(`no packet ${of.packet}`);
  }
}

interface Flags {
  readonly noPersist?: boolean;
  readonly redDot?: boolean;
  readonly syncOnce?: boolean;
  readonly dup?: boolean;
}

function flagsOf(flags: Flags): number {
  return (
    (flags.noPersist === true ? HeaderFlag.noPersist : 0) |
    (flags.redDot === true ? HeaderFlag.redDot : 0) |
    (flags.syncOnce === true ? HeaderFlag.syncOnce : 0) |
    (flags.dup === true ? HeaderFlag.dup : 0)
  );
}

test("all recorded frames are here", () => {
  expect(vectors.binary.length).toBe(161);
  expect(regular.length).toBe(157);
  expect(vectors.decodeEdgeCases.length).toBe(22);
});

describe("a recorded frame decodes to its fields and encodes to its bytes", () => {
  test.each(regular.map((of) => [of.name, of] as const))("%s", (_, of) => {
    const frame = frameOf(of);
    expect(decode(of.hex, of.protoVersion)).toEqual(frame);
    expect(hexOf(encodeFrame(frame, of.protoVersion))).toBe(of.hex);
  });
});

describe("recorded frames that need a word", () => {
  test("a stream SEND of JS SDK 1.3.1 decodes to its fields, opens, and encodes to its bytes", () => {
    const of = vector(FIELDS_INCOMPLETE);
    const frame = decode(of.hex, of.protoVersion);
    if (frame?.type !== 3) throw new Error("not a SEND");
    expect(frame).toEqual({ ...frameOf(of), msgKey: frame.msgKey, payload: frame.payload });
    expect(openSend(frame, cipher)).toEqual(utf8(String(of.fields.plainPayload)));
    expect(hexOf(encodeFrame(frame, of.protoVersion))).toBe(of.hex);
  });

  test("the Go encoder's stream SEND waits for two bytes that do not exist", () => {
    const of = vector(GO_ENCODER_BUG);
    expect(decode(of.hex, of.protoVersion)).toBeUndefined();
    expect(hexOf(encodeFrame(frameOf(of), of.protoVersion))).not.toBe(of.hex);
  });

  test("a SEND with the stream bit of old SDKs is an error, as in v2.2.5", () => {
    const of = vector(LEGACY_STREAM_BIT);
    expect(() => decode(of.hex, of.protoVersion)).toThrow(ProtocolError);
  });

  test("the tail of a version-5 SENDACK is ignored when read and not written", () => {
    const of = vector(TAIL_BELOW_VERSION_6);
    const frame = frameOf(of);
    if (frame.type !== 4) throw new Error("not a SENDACK");
    const { clientMsgNo, ...withoutTail } = frame;
    expect(clientMsgNo).toBe("cmn-1");
    expect(decode(of.hex, of.protoVersion)).toEqual(withoutTail);
    const tail = "0005636d6e2d31";
    expect(hexOf(encodeFrame(frame, of.protoVersion))).toBe(of.hex.replace("4018", "4011").replace(tail, ""));
  });
});

describe("session crypto", () => {
  test("the session key comes from the shared secret", () => {
    expect(Buffer.from(sessionKey(bytesOf(crypto.sharedSecretHex))).toString()).toBe(crypto.aesKeyAscii);
  });

  test.each(crypto.aes.map((sample) => [sample.plain, sample] as const))("%s", (_, sample) => {
    expect(Buffer.from(cipher.encrypt(utf8(sample.plain))).toString()).toBe(sample.cipherBase64);
    expect(cipher.decrypt(utf8(sample.cipherBase64))).toEqual(utf8(sample.plain));
    expect(cipher.msgKey(utf8(sample.plain))).toBe(sample.md5HexOfCipherBase64);
  });

  const sealedSends = regular.filter((of) => of.packet === "SEND" && of.fields.msgKey !== "");
  const badMsgKey = "send-v5-encrypted-bad-msgkey";
  test.each(sealedSends.map((of) => [of.name, of] as const))("SEND %s opens if its msgKey is right", (_, of) => {
    const frame = decode(of.hex, of.protoVersion);
    if (frame?.type !== 3) throw new Error("not a SEND");
    const plain = openSend(frame, cipher);
    if (of.name === badMsgKey) {
      expect(plain).toBeUndefined();
    } else {
      expect(plain).toEqual(cipher.decrypt(frame.payload));
      if (of.fields.plainPayload !== undefined) expect(plain).toEqual(utf8(String(of.fields.plainPayload)));
      expect(openSend({ ...frame, clientSeq: frame.clientSeq + 1 }, cipher)).toBeUndefined();
    }
  });

  const sealedRecvs = regular.filter((of) => of.packet === "RECV" && of.fields.msgKey !== "");
  test.each(sealedRecvs.map((of) => [of.name, of] as const))("RECV %s is sealed to the recorded bytes", (_, of) => {
    const frame = frameOf(of);
    if (frame.type !== 5) throw new Error("not a RECV");
    const plain = { ...frame, msgKey: "", payload: utf8(String(of.fields.plainPayload)) };
    expect(hexOf(sealRecv(plain, cipher, of.protoVersion))).toBe(of.hex);
  });

  test("the sealed frames are many", () => {
    expect(sealedSends.length).toBe(23);
    expect(sealedRecvs.length).toBe(26);
  });

  const plainRecvs = regular.filter((of) => of.packet === "RECV" && of.fields.msgKey === "");
  test.each(plainRecvs.map((of) => [of.name, of] as const))("RECV %s goes out plain without a cipher", (_, of) => {
    const frame = frameOf(of);
    if (frame.type !== 5) throw new Error("not a RECV");
    expect(hexOf(sealRecv({ ...frame, msgKey: "ignored" }, undefined, of.protoVersion))).toBe(of.hex);
  });
});

describe("the SDK's RECVACK", () => {
  const answered = regular.filter((of) => of.expectedSdkRecvackHex !== undefined);
  test.each(answered.map((of) => [of.name, of] as const))("to %s is ours too", (_, of) => {
    const recv = decode(of.hex, of.protoVersion);
    if (recv?.type !== 5) throw new Error("not a RECV");
    const flags = recv.flags & (HeaderFlag.noPersist | HeaderFlag.redDot | HeaderFlag.syncOnce);
    const ack: Frame = { type: 6, flags, messageId: recv.messageId, messageSeq: recv.messageSeq };
    expect(hexOf(encodeFrame(ack, of.protoVersion))).toBe(of.expectedSdkRecvackHex);
    expect(decode(of.expectedSdkRecvackHex!, of.protoVersion)).toEqual(ack);
  });
});

describe("edge cases of the decoder", () => {
  /** v2.2.5 waits or stalls on these; ours fails at once, so that the connection can be closed. */
  const stricter = new Map([
    ["type-0", "unknown_packet"],
    ["length-4-continuation-bytes", "malformed_length"],
  ]);
  const errorCodes = new Map([
    ...stricter,
    ["type-13", "unknown_packet"],
    ["type-15", "unknown_packet"],
    ["length-over-1MiB", "frame_too_large"],
    ["length-5-bytes-ff", "malformed_length"],
    ["recvack-truncated-inner", "truncated_body"],
    ["send-string-length-negative", "string_too_long"],
    ["send-string-length-beyond-frame", "truncated_body"],
    ["send-string-length-beyond-frame-2", "truncated_body"],
  ]);

  test.each(vectors.decodeEdgeCases.map((edge) => [edge.name, edge] as const))("%s", (name, edge) => {
    const bytes = bytesOf(edge.hex);
    const decoder = new FrameDecoder({ version: edge.protoVersion });
    decoder.push(bytes);
    const code = errorCodes.get(name);
    if (code !== undefined) {
      if (!stricter.has(name)) expect(edge.goDecodeFrame.error).toBe(true);
      expect(() => decoder.next()).toThrow(expect.objectContaining({ code }));
      return;
    }
    expect(edge.goDecodeFrame.error).toBeUndefined();
    const frame = decoder.next();
    if (edge.goDecodeFrame.needMore === true) expect(frame).toBeUndefined();
    else expect(packetNames[frame!.type]).toBe(edge.goDecodeFrame.packet);
    expect(bytes.length - decoder.bufferedBytes).toBe(edge.goDecodeFrame.consumed);
  });

  const packetNames: Readonly<Record<number, string>> = { 1: "CONNECT", 6: "RECVACK", 7: "PING", 8: "PONG" };
});
