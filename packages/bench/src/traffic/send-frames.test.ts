import { createSessionCipher, FrameDecoder, openSend, type Send } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { messageNumber, readCounter, readStream } from "./message-number.ts";
import { PayloadChoice } from "./payload-choice.ts";
import { SendFrames } from "./send-frames.ts";

const RUN = "babcdef";
const CIPHER = createSessionCipher(Buffer.from("0123456789abcdef"), Buffer.from("fedcba9876543210"));
const CHOICE = new PayloadChoice([
  { bytes: 100, share: 0.5 },
  { bytes: 4096, share: 0.5 },
]);

function framesOf(version: number, isPlain: boolean, peers: number): SendFrames {
  return new SendFrames({
    version,
    cipher: isPlain ? undefined : CIPHER,
    setting: 0,
    run: RUN,
    stream: 0x1234,
    channelId: "someone",
    channelType: 1,
    peers,
    choice: CHOICE,
  });
}

function decoded(frames: SendFrames, version: number, n: number): Send {
  const bytes = Buffer.alloc(5 + frames.sizeOf(n));
  frames.write(bytes, 5, n);
  const decoder = new FrameDecoder({ version });
  decoder.push(bytes.subarray(5));
  const frame = decoder.next();
  if (frame?.type !== 3) throw new Error("not a SEND");
  expect(decoder.bufferedBytes).toBe(0);
  return frame;
}

describe.each([2, 5, 6])("SENDs of version %i", (version) => {
  test("sealed ahead or late, they open with the session's keys", () => {
    const frames = framesOf(version, false, 0);
    frames.seal(3);
    for (let n = 1; n <= 6; n++) {
      const send = decoded(frames, version, n);
      expect(send).toMatchObject({ clientSeq: n, clientMsgNo: messageNumber(RUN, 0x1234, n), channelId: "someone" });
      expect(openSend(send, CIPHER)).toEqual(Uint8Array.from(CHOICE.payloads[CHOICE.indexOf(n)]!));
    }
    expect(frames.sealedLate).toBe(3);
  });

  test("plain ones carry the payload as it is and no msgKey", () => {
    const send = decoded(framesOf(version, true, 0), version, 9);
    expect(send.msgKey).toBe("");
    expect(Buffer.from(send.payload)).toEqual(CHOICE.payloads[CHOICE.indexOf(9)]);
  });

  test("they go round their peers", () => {
    const frames = framesOf(version, false, 3);
    const sends = [1, 2, 3, 4].map((n) => decoded(frames, version, n));
    expect(sends.map((send) => send.channelId.slice(-2))).toEqual(["01", "02", "00", "01"]);
    for (const send of sends) expect(openSend(send, CIPHER)).toBeDefined();
  });
});

test("a message number tells its stream and its counter", () => {
  const text = messageNumber(RUN, 0xabcdef, 0xfedcba98);
  expect(text).toHaveLength(36);
  const bytes = Buffer.from(`..${text}`);
  expect(readStream(bytes, 2)).toBe(0xabcdef);
  expect(readCounter(bytes, 2)).toBe(0xfedcba98);
});

test("payloads have their bytes and their shares", () => {
  const choice = new PayloadChoice([
    { bytes: 256, share: 0.9 },
    { bytes: 1024, share: 0.1 },
  ]);
  expect(new Set(choice.payloads.map((payload) => payload.length))).toEqual(new Set([256, 1024]));
  expect(new Set(choice.payloads.map(String)).size).toBe(choice.payloads.length);
  let large = 0;
  for (let n = 1; n <= 10_000; n++) if (choice.payloads[choice.indexOf(n)]!.length === 1024) large++;
  expect(large).toBeGreaterThan(900);
  expect(large).toBeLessThan(1_100);
});
