/** Slots: taken, released, wiped, taken again. */
import { createSessionCipher, type Recv, sealRecv } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { RecvCut } from "./recv-cut.ts";
import type { Sealer } from "./sealer.ts";
import { kinds, utf8, wasmSealer } from "./test-kit.ts";
import { warmUp } from "./warm-up.ts";

const recv: Recv = {
  type: 5,
  flags: 0,
  setting: 0,
  msgKey: "",
  fromUid: "alice",
  channelId: "alice",
  channelType: 1,
  expire: 0,
  clientMsgNo: "no-1",
  messageId: { high: 1, low: 2 },
  messageSeq: 3,
  timestamp: 4,
  topic: "",
  payload: utf8("hello"),
};
const cut = new RecvCut(recv, { version: 5 });
const iv = Buffer.from("abcdefghij012345");
const keyOf = (index: number): Uint8Array => utf8(String(index).padStart(16, "k"));

function expectSealedFor(sealer: Sealer, slot: number, key: Uint8Array): void {
  const out = new Uint8Array(cut.frameBytes);
  sealer.seal([cut], [slot], out);
  expect(out).toEqual(sealRecv(recv, createSessionCipher(key, iv), 5));
}

describe.each(kinds)("%s", (_, create) => {
  test("a released slot is refused, also when its place belongs to another session", () => {
    const sealer = create();
    const first = sealer.addSession(keyOf(1), iv);
    sealer.release(first);
    expect(() => sealer.seal([cut], [first], new Uint8Array(cut.frameBytes))).toThrow(RangeError);
    expect(() => sealer.release(first)).toThrow(RangeError);
    const second = sealer.addSession(keyOf(2), iv);
    expect(second).not.toBe(first);
    expect(() => sealer.seal([cut], [first], new Uint8Array(cut.frameBytes))).toThrow(RangeError);
    expect(() => sealer.release(first)).toThrow(RangeError);
    expectSealedFor(sealer, second, keyOf(2));
  });

  test("nothing is left of a warm-up", () => {
    const sealer = create();
    warmUp(sealer);
    expect(sealer.sessions).toBe(0);
    expectSealedFor(sealer, sealer.addSession(keyOf(1), iv), keyOf(1));
  });

  test("10,000 sessions come and go, and each one that stays keeps its own key", () => {
    const sealer = create();
    const slots = new Map<number, number>();
    for (let index = 0; index < 10_000; index++) {
      slots.set(index, sealer.addSession(keyOf(index), iv));
      if (index % 3 !== 0) continue;
      const gone = index >>> 1;
      const slot = slots.get(gone);
      if (slot !== undefined) sealer.release(slot);
      slots.delete(gone);
    }
    expect(sealer.sessions).toBe(slots.size);
    expect(new Set(slots.values()).size).toBe(slots.size);
    for (const [index, slot] of slots) if (index % 7 === 0) expectSealedFor(sealer, slot, keyOf(index));
  });
});

describe("the memory of the module", () => {
  test("holds no key of a released session", () => {
    const sealer = wasmSealer();
    const key = Buffer.from("sOm3-oDd-kEy-4_u");
    const slot = sealer.addSession(key, iv);
    expectSealedFor(sealer, slot, key);
    expect(sealer.memory().includes(key)).toBe(true);
    expect(sealer.memory().includes(iv)).toBe(true);
    sealer.release(slot);
    expect(sealer.memory().includes(key)).toBe(false);
    expect(sealer.memory().includes(iv)).toBe(false);
  });

  test("grows with the sessions and is used again when they go", () => {
    const sealer = wasmSealer();
    const before = sealer.memory().length;
    const slots = Array.from({ length: 3_000 }, (_, index) => sealer.addSession(keyOf(index), iv));
    const grown = sealer.memory().length;
    expect(grown).toBeGreaterThan(before);
    expectSealedFor(sealer, slots[0]!, keyOf(0));
    expectSealedFor(sealer, slots[2_999]!, keyOf(2_999));
    for (const slot of slots) sealer.release(slot);
    for (let index = 0; index < 3_000; index++) sealer.addSession(keyOf(index), iv);
    expect(sealer.memory().length).toBe(grown);
  });
});
