/** Both sealers against the plain JavaScript of the protocol package and against each other, on random messages. */
import { createCipheriv, createHash } from "node:crypto";
import { createSessionCipher, type Recv, type Send, sealRecv } from "@wukong-ts/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecvCut, sealedLength } from "./recv-cut.ts";
import type { Sealer } from "./sealer.ts";
import { block, emptySend, kinds, seed, utf8, wasmSealer } from "./test-kit.ts";

const u8 = fc.nat({ max: 0xff });
const u32 = fc.nat({ max: 0xffff_ffff });
const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 40 }));
const version = fc.integer({ min: 2, max: 6 });
const payload = fc.oneof(
  { weight: 30, arbitrary: fc.uint8Array({ maxLength: 130, size: "max" }) },
  { weight: 15, arbitrary: fc.uint8Array({ maxLength: 2_000, size: "max" }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 2_000, maxLength: 60_000, size: "max" }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 65_500, maxLength: 67_000, size: "max" }) },
);
const recv: fc.Arbitrary<Recv> = fc.record({
  type: fc.constant(5 as const),
  flags: fc.nat({ max: 15 }),
  setting: u8,
  msgKey: fc.constant("not looked at"),
  fromUid: text,
  channelId: text,
  channelType: u8,
  expire: u32,
  clientMsgNo: text,
  streamFlag: u8,
  streamNo: text,
  streamId: fc.record({ high: u32, low: u32 }),
  messageId: fc.record({ high: u32, low: u32 }),
  messageSeq: u32,
  timestamp: fc.integer(),
  topic: text,
  payload,
});
const message = fc.record({ recv, version, webSocket: fc.boolean() });
type Message = typeof message extends fc.Arbitrary<infer T> ? T : never;
const sessions = fc.array(fc.record({ key: block, iv: block }), { minLength: 1, maxLength: 5 });

const cutOf = ({ recv, version, webSocket }: Message): RecvCut => new RecvCut(recv, { version, webSocket });

function webSocketHeader(length: number): Buffer {
  if (length < 126) return Buffer.from([0x82, length]);
  const header = Buffer.alloc(length < 0x1_0000 ? 4 : 10);
  header[0] = 0x82;
  header[1] = length < 0x1_0000 ? 126 : 127;
  if (length < 0x1_0000) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

function expectedFrame({ recv, version, webSocket }: Message, session: { key: Uint8Array; iv: Uint8Array }): Buffer {
  const frame = Buffer.from(sealRecv(recv, createSessionCipher(session.key, session.iv), version));
  return webSocket ? Buffer.concat([webSocketHeader(frame.length), frame]) : frame;
}

/** All frames of a call, with a border around them that must stay as it is. */
function sealed(sealer: Sealer, items: readonly (RecvCut | Uint8Array)[], slots: readonly number[]): Buffer {
  const length = sealedLength(items);
  const out = new Uint8Array(length + 64).fill(0xa5);
  expect(sealer.seal(items, slots, out, 32)).toBe(32 + length);
  expect(out.subarray(0, 32).every((byte) => byte === 0xa5)).toBe(true);
  expect(out.subarray(32 + length).every((byte) => byte === 0xa5)).toBe(true);
  return Buffer.from(out.buffer, 32, length);
}

/** The first place where they differ: a readable failure for long bytes. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`byte ${at} of ${actual.length} differs`);
}

describe.each(kinds)("%s seals as the protocol package does", (_, create) => {
  test("one message for 1 to 70 recipients", () => {
    const sealer = create();
    fc.assert(
      fc.property(message, sessions, fc.integer({ min: 1, max: 70 }), (message, sessions, count) => {
        const slots = sessions.map(({ key, iv }) => sealer.addSession(key, iv));
        const cut = cutOf(message);
        const frames = sessions.map((session) => expectedFrame(message, session));
        const indexes = Array.from({ length: count }, (_, index) => index % sessions.length);
        const actual = sealed(
          sealer,
          new Array(count).fill(cut),
          indexes.map((index) => slots[index]!),
        );
        expectSame(actual, Buffer.concat(indexes.map((index) => frames[index]!)));
        for (const slot of slots) sealer.release(slot);
      }),
      { numRuns: 150, seed: seed() },
    );
  });

  test("any messages for any sessions in one call, with bytes between them", () => {
    const sealer = create();
    const job = fc.record({
      message: fc.nat(),
      session: fc.nat(),
      before: fc.option(fc.uint8Array({ maxLength: 40 })),
    });
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 12 }),
        sessions,
        fc.array(job, { maxLength: 150, size: "max" }),
        (messages, sessions, jobs) => {
          const slots = sessions.map(({ key, iv }) => sealer.addSession(key, iv));
          const cuts = messages.map(cutOf);
          const items: (RecvCut | Uint8Array)[] = [];
          const itemSlots: number[] = [];
          const expected: Uint8Array[] = [];
          for (const { message, session, before } of jobs) {
            if (before !== null) {
              items.push(before);
              itemSlots.push(-1);
              expected.push(before);
            }
            items.push(cuts[message % cuts.length]!);
            itemSlots.push(slots[session % slots.length]!);
            expected.push(expectedFrame(messages[message % cuts.length]!, sessions[session % sessions.length]!));
          }
          expectSame(sealed(sealer, items, itemSlots), Buffer.concat(expected));
          for (const slot of slots) sealer.release(slot);
        },
      ),
      { numRuns: 60, seed: seed() },
    );
  });

  test("payloads of every length from 0 to 129, four different ones in step", () => {
    const sealer = create();
    const key = utf8("4989ad64ccaf943d");
    const iv = utf8("abcdefghij012345");
    const slot = sealer.addSession(key, iv);
    const [sample] = fc.sample(recv, { numRuns: 1, seed: 1 });
    const messages = Array.from({ length: 130 }, (_, length) => ({
      recv: { ...sample!, payload: Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff) },
      version: 2 + (length % 5),
      webSocket: length % 2 === 0,
    }));
    const expected = Buffer.concat(messages.map((message) => expectedFrame(message, { key, iv })));
    expectSame(
      sealed(
        sealer,
        messages.map(cutOf),
        messages.map(() => slot),
      ),
      expected,
    );
  });

  test("the longest strings the wire can say", () => {
    const sealer = create();
    const session = { key: utf8("4989ad64ccaf943d"), iv: utf8("abcdefghij012345") };
    const slot = sealer.addSession(session.key, session.iv);
    const [sample] = fc.sample(recv, { numRuns: 1, seed: 1 });
    const long = "x".repeat(32_767);
    for (const payloadBytes of [0, 100, 60_000]) {
      const recv = {
        ...sample!,
        fromUid: long,
        channelId: long,
        clientMsgNo: long,
        payload: new Uint8Array(payloadBytes),
      };
      const message = { recv, version: 5, webSocket: false };
      const cut = cutOf(message);
      const expected = expectedFrame(message, session);
      const actual = sealed(sealer, [cut, cut, cut, cut, cut], [slot, slot, slot, slot, slot]);
      expectSame(actual, Buffer.concat([expected, expected, expected, expected, expected]));
    }
  });
});

test("frames that are more than the memory holds are all there", () => {
  const sealer = wasmSealer();
  const session = { key: utf8("4989ad64ccaf943d"), iv: utf8("abcdefghij012345") };
  const slot = sealer.addSession(session.key, session.iv);
  const [sample] = fc.sample(recv, { numRuns: 1, seed: 1 });
  const messages = Array.from({ length: 40 }, (_, index) => ({
    recv: { ...sample!, payload: new Uint8Array(30_000 + index).fill(index) },
    version: 5,
    webSocket: true,
  }));
  const expected = Buffer.concat(messages.map((message) => expectedFrame(message, session)));
  expectSame(
    sealed(
      sealer,
      messages.map(cutOf),
      messages.map(() => slot),
    ),
    expected,
  );
});

describe.each(kinds)("%s refuses", (_, create) => {
  const sealer = create();
  const slot = sealer.addSession(utf8("4989ad64ccaf943d"), utf8("abcdefghij012345"));
  const [sample] = fc.sample(recv, { numRuns: 1, seed: 1 });
  const cut = new RecvCut({ ...sample!, payload: utf8("hello") }, { version: 5 });

  test("an output that is too small, and leaves it as it was", () => {
    const out = new Uint8Array(2 * cut.frameBytes - 1);
    expect(() => sealer.seal([cut, cut], [slot, slot], out)).toThrow(RangeError);
    expect(() => sealer.seal([cut], [slot], out, cut.frameBytes)).toThrow(RangeError);
    expect(() => sealer.seal([cut], [slot], out, -1)).toThrow(RangeError);
    expect(() => sealer.seal([cut], [slot], out, Number.NaN)).toThrow(RangeError);
    expect(out.every((byte) => byte === 0)).toBe(true);
  });

  test("a slot that is not in use, and leaves the output as it was", () => {
    const out = new Uint8Array(2 * cut.frameBytes);
    expect(() => sealer.seal([cut, cut], [slot, slot + 1], out)).toThrow(RangeError);
    expect(() => sealer.seal([cut, cut], [slot], out)).toThrow(RangeError);
    expect(() => sealer.seal([cut], [-1], out)).toThrow(RangeError);
    expect(out.every((byte) => byte === 0)).toBe(true);
  });

  test("keys and IVs of another length", () => {
    expect(() => sealer.addSession(new Uint8Array(15), new Uint8Array(16))).toThrow(RangeError);
    expect(() => sealer.addSession(new Uint8Array(16), new Uint8Array(32))).toThrow(RangeError);
    expect(sealer.sessions).toBe(1);
  });
});

// ---- opening

interface Session {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

function base64Encrypted(session: Session, plain: Uint8Array, padding = true): Buffer {
  const cipher = createCipheriv("aes-128-cbc", session.key, session.iv).setAutoPadding(padding);
  return Buffer.from(Buffer.concat([cipher.update(plain), cipher.final()]).toString("base64"));
}

/** With the msgKey that belongs to the payload, whatever the payload is. */
function signed(send: Send, session: Session): Send {
  const sign = Buffer.concat([
    Buffer.from(`${send.clientSeq}${send.clientMsgNo}${send.channelId}${send.channelType}`),
    send.payload,
  ]);
  return { ...send, msgKey: createHash("md5").update(base64Encrypted(session, sign)).digest("hex") };
}

const send: fc.Arbitrary<Send> = fc
  .record({ clientSeq: u32, clientMsgNo: text, channelId: text, channelType: u8, payload })
  .map((fields) => ({ ...emptySend, ...fields }));

describe.each(kinds)("%s opens", (_, create) => {
  const session: Session = { key: utf8("4989ad64ccaf943d"), iv: utf8("abcdefghij012345") };
  const sealer = create();
  const slot = sealer.addSession(session.key, session.iv);

  test("what Node has sealed, one by one and many in a call", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ send, session: fc.nat(), isWrong: fc.boolean() }), { maxLength: 40, size: "max" }),
        sessions,
        (given, sessions) => {
          const slots = sessions.map(({ key, iv }) => sealer.addSession(key, iv));
          const sends: Send[] = [];
          const sendSlots: number[] = [];
          const expected: (Buffer | undefined)[] = [];
          for (const { send, session: index, isWrong } of given) {
            const session = sessions[index % sessions.length]!;
            const right = signed({ ...send, payload: base64Encrypted(session, send.payload) }, session);
            const flipped = right.msgKey.startsWith("0") ? "1" : "0";
            sends.push(isWrong ? { ...right, msgKey: flipped + right.msgKey.slice(1) } : right);
            sendSlots.push(slots[index % slots.length]!);
            expected.push(isWrong ? undefined : Buffer.from(send.payload));
          }
          const opened = sealer.openAll(sends, sendSlots);
          expect(opened.length).toBe(sends.length);
          for (const [index, plain] of expected.entries()) {
            const one = sealer.open(sends[index]!, sendSlots[index]!);
            expect(one === undefined).toBe(plain === undefined);
            expect(opened[index] === undefined).toBe(plain === undefined);
            if (plain !== undefined) {
              expectSame(one!, plain);
              expectSame(opened[index]!, plain);
            }
          }
          for (const slot of slots) sealer.release(slot);
        },
      ),
      { numRuns: 60, seed: seed() },
    );
  });

  test("payloads of every length from 0 to 129", () => {
    const plains = Array.from({ length: 130 }, (_, length) => new Uint8Array(length).fill(length));
    const sends = plains.map((plain) => signed({ ...emptySend, payload: base64Encrypted(session, plain) }, session));
    expect(
      sealer.openAll(
        sends,
        sends.map(() => slot),
      ),
    ).toEqual(plains);
    for (const [index, send] of sends.entries()) expect(sealer.open(send, slot)).toEqual(plains[index]);
  });

  const good = base64Encrypted(session, utf8("a payload of 30 bytes, or so.."));
  const raw = (bytes: number[]): Buffer => base64Encrypted(session, Uint8Array.from(bytes), false);
  const refused: readonly (readonly [string, Uint8Array])[] = [
    ["an empty payload", new Uint8Array(0)],
    ["a CR LF at the end", Buffer.concat([good, utf8("\r\n")])],
    ["a CR LF inside", Buffer.concat([good.subarray(0, 20), utf8("\r\n\r\n"), good.subarray(20)])],
    ["a line feed for a character", Buffer.concat([good.subarray(0, 20), utf8("\n"), good.subarray(21)])],
    ["a missing =", good.subarray(0, -1)],
    ["a = inside", Buffer.concat([good.subarray(0, 20), utf8("="), good.subarray(21)])],
    ["another alphabet", Buffer.concat([utf8("-_"), good.subarray(2)])],
    ["a character beyond ASCII", Buffer.concat([Buffer.from([0xc3, 0xa9]), good.subarray(2)])],
    ["a wrong character in the last group", Buffer.concat([good.subarray(0, -3), utf8("*"), good.subarray(-2)])],
    ["no whole block", Buffer.from(Buffer.alloc(20).toString("base64"))],
    ["padding of 0", raw(new Array(16).fill(0))],
    ["padding of 17", raw(new Array(32).fill(17))],
    ["padding of 255", raw(new Array(16).fill(255))],
    ["padding whose bytes differ", raw([...new Array(13).fill(3), 4, 3, 3])],
  ];

  test.each(refused)("%s: refused although the msgKey is right", (_, payload) => {
    const send = signed({ ...emptySend, payload }, session);
    expect(sealer.open(send, slot)).toBeUndefined();
    const right = signed({ ...emptySend, payload: good }, session);
    const opened = sealer.openAll([right, send, right, send, right], [slot, slot, slot, slot, slot]);
    expect(opened.map((plain) => plain !== undefined)).toEqual([true, false, true, false, true]);
  });

  test("each of the 256 bytes in a payload as base64 does or does not", () => {
    const alphabet = /[A-Za-z0-9+/]/;
    for (const at of [0, 21, 43]) {
      for (let byte = 0; byte < 256; byte++) {
        const payload = base64Encrypted(session, new Uint8Array(40));
        payload[at] = byte;
        const isBase64 = byte < 0x80 && alphabet.test(String.fromCharCode(byte));
        // What is base64 mostly fails by its padding then, so it is compared, not expected.
        const send = signed({ ...emptySend, payload }, session);
        const plain = sealer.open(send, slot);
        if (!isBase64) expect(plain).toBeUndefined();
      }
    }
  });

  test("no msgKey that is not 32 lower-case digits of the right digest", () => {
    const right = signed({ ...emptySend, payload: good }, session);
    expect(sealer.open(right, slot)).toBeDefined();
    const wide = String.fromCharCode(right.msgKey.charCodeAt(0) + 0x100) + right.msgKey.slice(1);
    for (const msgKey of ["", right.msgKey.slice(1), `${right.msgKey}0`, right.msgKey.toUpperCase(), wide]) {
      if (msgKey !== right.msgKey) expect(sealer.open({ ...right, msgKey }, slot)).toBeUndefined();
    }
    for (let at = 0; at < 32; at++) {
      const digit = right.msgKey[at] === "0" ? "1" : "0";
      const msgKey = right.msgKey.slice(0, at) + digit + right.msgKey.slice(at + 1);
      expect(sealer.open({ ...right, msgKey }, slot)).toBeUndefined();
    }
  });
});

test("both kinds agree on payloads with random characters", () => {
  const session: Session = { key: utf8("4989ad64ccaf943d"), iv: utf8("abcdefghij012345") };
  const sealers = kinds.map(([, create]) => create());
  const slots = sealers.map((sealer) => sealer.addSession(session.key, session.iv));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), u8, (plain, at, byte) => {
      const payload = base64Encrypted(session, plain);
      payload[at % payload.length] = byte;
      const send = signed({ ...emptySend, payload }, session);
      const [first, second] = sealers.map((sealer, index) => sealer.open(send, slots[index]!));
      expect(first).toEqual(second);
    }),
    { numRuns: 1_000, seed: seed() },
  );
});
