/** Our AES, MD5 and base64 against Node's, on random texts of every length that matters. */
import { createCipheriv, createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allocateFromPool } from "./allocate.ts";
import { base64FromBytes, base64ToBytes } from "./base64.ts";
import { encodeFrame } from "./frame.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import type { Recv } from "./frames/recv.ts";
import type { Send } from "./frames/send.ts";
import { int64ToText } from "./int64.ts";
import { openSend } from "./open-send.ts";
import { sealRecv } from "./seal-recv.ts";
import { createSessionCipher, sessionKey } from "./session-cipher.ts";

const block = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Short texts as they are common, and some beyond the shared working memory of the ciphers. */
const plainText = fc.oneof(
  { weight: 20, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 5, arbitrary: fc.uint8Array({ minLength: 200, maxLength: 3000, size: "max" }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 9_000, maxLength: 20_000, size: "max" }) },
);
const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 40 }));
const u8 = fc.nat({ max: 0xff });
const u32 = fc.nat({ max: 0xffff_ffff });

function nodeEncrypt(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  return Buffer.from(Buffer.concat([cipher.update(plain), cipher.final()]).toString("base64"));
}

function nodeMsgKey(key: Uint8Array, iv: Uint8Array, sign: Uint8Array): string {
  return createHash("md5")
    .update(nodeEncrypt(key, iv, sign))
    .digest("hex");
}

describe("the cipher of a session", () => {
  test("encrypts, decrypts and signs as Node does", () => {
    fc.assert(
      fc.property(block, block, plainText, (key, iv, plain) => {
        const cipher = createSessionCipher(key, iv);
        const expected = nodeEncrypt(key, iv, plain);
        expect(expected.equals(cipher.encrypt(plain))).toBe(true);
        expect(Buffer.from(plain).equals(cipher.decrypt(expected)!)).toBe(true);
        expect(cipher.msgKey(plain)).toBe(nodeMsgKey(key, iv, plain));
      }),
      { numRuns: 300 },
    );
  });

  test("does so for every length around the borders of AES, base64 and MD5 blocks", () => {
    const key = Buffer.from("4989ad64ccaf943d");
    const iv = Buffer.from("abcdefghij012345");
    const cipher = createSessionCipher(key, iv);
    for (let length = 0; length <= 400; length++) {
      const plain = Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff);
      expect(Buffer.from(cipher.encrypt(plain)).equals(nodeEncrypt(key, iv, plain))).toBe(true);
      expect(cipher.msgKey(plain)).toBe(nodeMsgKey(key, iv, plain));
      expect(cipher.decrypt(cipher.encrypt(plain))).toEqual(plain);
    }
  });

  test("two ciphers used in turns do not disturb each other", () => {
    const one = createSessionCipher(new Uint8Array(16).fill(1), new Uint8Array(16));
    const two = createSessionCipher(new Uint8Array(16).fill(2), new Uint8Array(16));
    const plain = Buffer.from("hello");
    const first = one.encrypt(plain);
    const kept = first.slice();
    expect(two.encrypt(plain)).not.toEqual(first);
    two.msgKey(plain);
    expect(first).toEqual(kept);
    expect(one.decrypt(first)).toEqual(Uint8Array.from(plain));
  });

  test("wants a key and an IV of 16 bytes", () => {
    expect(() => createSessionCipher(new Uint8Array(15), new Uint8Array(16))).toThrow(RangeError);
    expect(() => createSessionCipher(new Uint8Array(16), new Uint8Array(17))).toThrow(RangeError);
  });

  test("makes its key from the shared secret as Node would", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (secret) => {
        const digest = createHash("md5").update(Buffer.from(secret).toString("base64")).digest("hex");
        expect(Buffer.from(sessionKey(secret)).toString()).toBe(digest.slice(0, 16));
      }),
    );
  });
});

describe("what does not decrypt", () => {
  const cipher = createSessionCipher(new Uint8Array(16).fill(1), new Uint8Array(16).fill(2));
  const good = Buffer.from(cipher.encrypt(Buffer.from("hello"))).toString();

  test.each([
    ["nothing", ""],
    ["text that is no base64", "!".repeat(24)],
    ["base64 without its padding", good.replaceAll("=", "")],
    ["base64 with a line break", `${good.slice(0, 4)}\n${good.slice(4)}`],
    ["the URL alphabet", good.replace(/^../, "-_")],
    ["padding in the middle", `${good.slice(0, 10)}==${good.slice(12)}`],
    ["bytes that are no whole blocks", "AAAA"],
    ["blocks whose padding is wrong", "A".repeat(22).concat("==")],
  ])("%s", (_, base64) => {
    expect(cipher.decrypt(Buffer.from(base64))).toBeUndefined();
  });

  test.each([
    ["no padding", 0],
    ["padding longer than a block", 17],
    ["padding longer than the text", 200],
  ])("blocks that end with %s", (_, last) => {
    const key = new Uint8Array(16).fill(1);
    const raw = createCipheriv("aes-128-cbc", key, new Uint8Array(16).fill(2)).setAutoPadding(false);
    const blocks = Buffer.concat([raw.update(new Uint8Array(32).fill(last)), raw.final()]);
    expect(cipher.decrypt(Buffer.from(blocks.toString("base64")))).toBeUndefined();
  });

  test("blocks whose padding bytes differ", () => {
    const raw = createCipheriv("aes-128-cbc", new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)).setAutoPadding(
      false,
    );
    const plain = new Uint8Array(16).fill(4);
    plain[13] = 3;
    const blocks = Buffer.concat([raw.update(plain), raw.final()]);
    expect(cipher.decrypt(Buffer.from(blocks.toString("base64")))).toBeUndefined();
  });

  test("bytes above ASCII", () => {
    expect(cipher.decrypt(new Uint8Array(24).fill(0xe4))).toBeUndefined();
  });

  test("anything is decrypted or refused, never thrown at", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void cipher.decrypt(bytes)));
  });
});

describe("a SEND", () => {
  const send = fc.record({ clientSeq: u32, clientMsgNo: text, channelId: text, channelType: u8 });

  test("opens exactly when its msgKey fits all that is signed", () => {
    fc.assert(
      fc.property(block, block, send, plainText, (key, iv, fields, plain) => {
        const cipher = createSessionCipher(key, iv);
        const payload = nodeEncrypt(key, iv, plain);
        const { clientSeq, clientMsgNo, channelId, channelType } = fields;
        const head = `${clientSeq}${clientMsgNo}${channelId}${channelType}`;
        const msgKey = nodeMsgKey(key, iv, Buffer.concat([Buffer.from(head), payload]));
        const sealed: Send = { type: 3, flags: 0, setting: 0, expire: 0, topic: "", ...fields, msgKey, payload };
        expect(Buffer.from(plain).equals(openSend(sealed, cipher)!)).toBe(true);
        expect(Buffer.from(plain).equals(openSend(sealed, cipher, allocateFromPool)!)).toBe(true);

        expect(openSend({ ...sealed, msgKey: "" }, cipher)).toBeUndefined();
        expect(openSend({ ...sealed, msgKey: msgKey.toUpperCase() }, cipher) === undefined).toBe(/[a-f]/.test(msgKey));
        expect(openSend({ ...sealed, clientSeq: (clientSeq + 1) >>> 0 }, cipher)).toBeUndefined();
        expect(openSend({ ...sealed, channelType: channelType ^ 1 }, cipher)).toBeUndefined();
        const changed = Uint8Array.from(payload);
        changed[0]! ^= 1;
        expect(openSend({ ...sealed, payload: changed }, cipher)).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  test("with a right msgKey over a payload that is no ciphertext is refused", () => {
    const key = new Uint8Array(16).fill(3);
    const payload = Buffer.from("not encrypted");
    const cipher = createSessionCipher(key, key);
    const msgKey = cipher.msgKey(Buffer.from(`1nc1${payload.toString()}`));
    const plain: Send = {
      type: 3,
      flags: 0,
      setting: 0,
      clientSeq: 1,
      clientMsgNo: "n",
      channelId: "c",
      channelType: 1,
      expire: 0,
      topic: "",
      msgKey,
      payload,
    };
    expect(openSend(plain, cipher)).toBeUndefined();
  });
});

describe("a RECV", () => {
  const recv = fc.record({
    flags: fc.nat({ max: 15 }),
    setting: u8,
    fromUid: text,
    channelId: text,
    channelType: u8,
    expire: u32,
    clientMsgNo: text,
    messageId: fc.record({ high: u32, low: u32 }),
    messageSeq: u32,
    timestamp: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
    topic: text,
  });

  test("is sealed as Node would seal it, in every version, with either memory", () => {
    fc.assert(
      fc.property(block, block, recv, plainText, fc.nat({ max: 6 }), (key, iv, fields, plain, version) => {
        const cipher = createSessionCipher(key, iv);
        const payload = Uint8Array.from(nodeEncrypt(key, iv, plain));
        const { messageId, messageSeq, clientMsgNo, timestamp, fromUid, channelId, channelType } = fields;
        const head = `${int64ToText(messageId)}${messageSeq}${clientMsgNo}${timestamp}${fromUid}${channelId}${channelType}`;
        const msgKey = nodeMsgKey(key, iv, Buffer.concat([Buffer.from(head), payload]));
        const sealed: Recv = { type: 5, ...fields, msgKey, payload };
        const expected = Buffer.from(encodeFrame(sealed, version));
        const given: Recv = { ...sealed, msgKey: "ignored", payload: plain };
        expect(expected.equals(sealRecv(given, cipher, version))).toBe(true);
        expect(expected.equals(sealRecv(given, cipher, version, allocateFromPool))).toBe(true);

        const withoutCipher = Buffer.from(encodeFrame({ ...given, msgKey: "" }, version));
        expect(withoutCipher.equals(sealRecv(given, undefined, version))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test("from 2038 on is signed with the seconds that are on the wire", () => {
    const key = new Uint8Array(16).fill(3);
    const cipher = createSessionCipher(key, key);
    const late: Recv = {
      type: 5,
      flags: 0,
      setting: 0,
      msgKey: "",
      fromUid: "a",
      channelId: "a",
      channelType: 1,
      expire: 0,
      clientMsgNo: "n",
      messageId: { high: 0, low: 1 },
      messageSeq: 1,
      timestamp: 2 ** 31 + 5,
      topic: "",
      payload: new Uint8Array(0),
    };
    const decoder = new FrameDecoder();
    decoder.push(sealRecv(late, cipher, 5));
    const received = decoder.next();
    if (received?.type !== 5) throw new Error("not a RECV");
    expect(received.timestamp).toBe(-(2 ** 31) + 5);
    const sign = Buffer.from(`11n${received.timestamp}aa1${Buffer.from(received.payload).toString()}`);
    expect(received.msgKey).toBe(cipher.msgKey(sign));
  });
});

describe("base64 of bytes", () => {
  test("is Node's, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const expected = Buffer.from(bytes).toString("base64");
        expect(base64FromBytes(bytes)).toBe(expected);
        expect(base64ToBytes(expected)).toEqual(bytes);
      }),
    );
  });

  test("of anything else is refused", () => {
    for (const bad of ["Y", "YQ", "YQ=", "Y===", "====", "YQ==YQ==", "Y=Q=", "YQ\n=", "-_-_", "ＹＱ==", "你"]) {
      expect(base64ToBytes(bad)).toBeUndefined();
    }
  });
});
