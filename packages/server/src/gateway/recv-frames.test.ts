import { createSessionCipher, FrameDecoder, personChannelId, type Recv, Setting } from "@wukong-ts/protocol";
import { createSealer } from "@wukong-ts/sealing";
import { describe, expect, test } from "vitest";
import { NAMED_WITH_SUFFIX, type StoredMessage } from "../messaging/message.ts";
import { type OutboundItem, type Receiver, recvFor, recvItem, recvSource } from "./recv-frames.ts";
import { storedMessage } from "./test-kit.ts";

const KEY = Buffer.from("4989ad64ccaf943d");
const IV = Buffer.from("abcdefghij012345");
const cipher = createSessionCipher(KEY, IV);
const sealer = createSealer();
const slot = sealer.addSession(KEY, IV);

function bytesOf(item: OutboundItem): Uint8Array {
  const bytes = Buffer.alloc(item instanceof Uint8Array ? item.length : item.frameBytes);
  sealer.seal([item], [slot], bytes);
  return bytes;
}

function recv(message: Partial<StoredMessage>, uid: string, receiver: Partial<Receiver> = {}): Recv {
  return recvFor(recvSource(storedMessage(message)), { uid, version: 5, isSealed: true, ...receiver });
}

function person(a: string, b: string): Partial<StoredMessage> {
  return { channel: { type: 1, id: personChannelId(a, b) }, fromUid: a };
}

describe("the channel a RECV names", () => {
  test.each([
    ["the receiver of a person's message sees the sender", person("a", "b"), "b", "a", "a"],
    ["the sender's other devices see the peer", person("a", "b"), "a", "b", "a"],
    ["a message to oneself shows oneself", person("a", "a"), "a", "a", "a"],
    ["a message of ____system comes from nobody", person("____system", "b"), "b", "", ""],
    ["the devices of who writes to ____system see ____system", person("a", "____system"), "a", "____system", "a"],
    ["a command to a person shows the peer too", { ...person("a", "b"), log: "command" }, "b", "a", "a"],
    ["a group is itself for the receiver", { channel: { type: 2, id: "g" }, fromUid: "a" }, "b", "g", "a"],
    ["a group is itself for the sender", { channel: { type: 2, id: "g" }, fromUid: "a" }, "a", "g", "a"],
    ["a group named as its receiver stays itself", { channel: { type: 2, id: "b" }, fromUid: "a" }, "b", "b", "a"],
    [
      "a group message of ____system has no sender",
      { channel: { type: 2, id: "g" }, fromUid: "____system" },
      "b",
      "g",
      "",
    ],
    ["customer service keeps its id", { channel: { type: 3, id: "v|k" }, fromUid: "v" }, "b", "v|k", "v"],
    ["an agent sees itself as addressed", { channel: { type: 11, id: "a@bot" }, fromUid: "a" }, "bot", "bot", "a"],
    ["who writes to an agent sees the agent", { channel: { type: 11, id: "a@bot" }, fromUid: "a" }, "a", "bot", "a"],
    ["an unknown type keeps its id", { channel: { type: 99, id: "x" }, fromUid: "a" }, "b", "x", "a"],
  ] satisfies [string, Partial<StoredMessage>, string, string, string][])(
    "%s",
    (_, message, uid, channelId, fromUid) => {
      expect(recv(message, uid)).toMatchObject({ channelId, fromUid });
    },
  );
});

test("a RECV names the command log with its suffix only when the sender did", () => {
  const command = { channel: { type: 2, id: "g" }, fromUid: "a", log: "command" } as const;
  expect(recv({ ...command, flags: 4 }, "b")).toMatchObject({ channelId: "g", flags: 4 });
  expect(recv({ ...command, flags: 4 | NAMED_WITH_SUFFIX }, "b")).toMatchObject({ channelId: "g____cmd", flags: 4 });
});

describe("a RECV", () => {
  test("carries NoPersist, RedDot and SyncOnce, never DUP", () => {
    for (let flags = 0; flags < 16; flags++) expect(recv({ flags }, "b").flags).toBe(flags & 7);
  });

  test("has no red dot for its own sender", () => {
    for (let flags = 0; flags < 16; flags++) expect(recv({ flags, fromUid: "a" }, "a").flags).toBe(flags & 5);
  });

  test("loses the stream bit below version 5 and the no-encrypt bit when it is encrypted", () => {
    expect(recv({ setting: 0xff }, "b").setting).toBe(0xff & ~Setting.noEncrypt);
    expect(recv({ setting: 0xff }, "b", { version: 4 }).setting).toBe(0xff & ~Setting.noEncrypt & ~Setting.stream);
    expect(recv({ setting: 0xff }, "b", { isSealed: false }).setting).toBe(0xff);
    expect(recv({ setting: 0xff }, "b", { isSealed: false, version: 2 }).setting).toBe(0xff & ~Setting.stream);
  });

  test("shows the stored time, id, seq, number, topic and expiry", () => {
    const message = storedMessage({ topic: "t", setting: Setting.topic, expireSeconds: 60, seq: 12 });
    expect(recvFor(recvSource(message), { uid: "b", version: 5, isSealed: true })).toMatchObject({
      timestamp: message.timeSeconds,
      messageId: message.id,
      messageSeq: 12,
      clientMsgNo: "no-1",
      topic: "t",
      expire: 60,
      setting: Setting.topic,
    });
  });

  test("is encrypted with the receiver's key, and the same bytes whenever it is made", () => {
    const source = recvSource(storedMessage(person("a", "b")));
    const frame = bytesOf(recvItem(source, { uid: "b", version: 5, isSealed: true }));
    expect(bytesOf(recvItem(source, { uid: "b", version: 5, isSealed: true }))).toEqual(frame);
    const decoder = new FrameDecoder({ frameBytesMax: 1000, version: 5 });
    decoder.push(frame);
    const decoded = decoder.next() as Recv;
    expect(new TextDecoder().decode(cipher.decrypt(decoded.payload))).toBe("hello");
    const sign = `${(BigInt(465_661) << 32n) + 1n}1no-11767225600aa1`;
    expect(decoded.msgKey).toBe(cipher.msgKey(Buffer.concat([Buffer.from(sign), decoded.payload])));
  });

  test("is plain, without msgKey, when no keys were agreed", () => {
    const decoder = new FrameDecoder({ frameBytesMax: 1000, version: 2 });
    const source = recvSource(storedMessage({ setting: 2 }));
    decoder.push(bytesOf(recvItem(source, { uid: "b", version: 2, isSealed: false })));
    expect(decoder.next()).toMatchObject({ msgKey: "", setting: 0, payload: new TextEncoder().encode("hello") });
  });

  test("is made once for all that see it alike, and for nobody else", () => {
    const source = recvSource(storedMessage({ ...person("a", "b"), flags: 2 }));
    const item = (uid: string, version: number, isSealed: boolean) => recvItem(source, { uid, version, isSealed });
    for (const isSealed of [true, false]) {
      expect(item("b", 5, isSealed)).toBe(item("b", 5, isSealed));
      const others = [item("b", 5, isSealed), item("a", 5, isSealed), item("b", 6, isSealed), item("b", 5, !isSealed)];
      expect(new Set(others).size).toBe(4);
    }
  });
});
