/** Rows of both directions: whatever is told at one end arrives at the other, in its order. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PushedMessage } from "../../delivery/outbound.ts";
import type { SendRequest } from "../../messaging/send.ts";
import { CLOSE_REASONS, type CloseReason } from "../close-reasons.ts";
import { storedMessage } from "../test-kit.ts";
import { type CoreRows, CoreRowWriter, readCoreRows } from "./core-rows.ts";
import { type GatewayRows, GatewayRowWriter, readGatewayRows } from "./gateway-rows.ts";
import { PackReader, PackWriter } from "./pack.ts";

type Told = readonly [name: string, ...given: readonly unknown[]];

const ID = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const U8 = fc.integer({ min: 0, max: 0xff });
const U32 = fc.nat(0xffff_ffff);
const TEXT = fc.string({ unit: "binary", maxLength: 40 });
const MESSAGE_ID = fc.record({ high: U32, low: U32 });
const SEQ = fc.nat(Number.MAX_SAFE_INTEGER);
const REASON = fc.constantFrom(...(Object.keys(CLOSE_REASONS) as CloseReason[]));
const PAYLOAD = fc.uint8Array({ maxLength: 200 });

/** Whoever is told notes it. */
function recorder<Rows extends object>(names: readonly (keyof Rows & string)[]): { rows: Rows; told: Told[] } {
  const told: Told[] = [];
  const rows = Object.fromEntries(names.map((name) => [name, (...given: unknown[]) => told.push([name, ...given])]));
  return { rows: rows as unknown as Rows, told };
}

function tell<Rows extends object>(rows: Rows, told: readonly Told[]): void {
  for (const [name, ...given] of told) (rows as Record<string, (...given: unknown[]) => void>)[name]!(...given);
}

describe("what a worker tells the core", () => {
  const NAMES = ["opened", "entered", "sends", "received", "left", "closed"] as const;
  const SESSION = fc.record({
    id: ID,
    uid: TEXT,
    deviceId: TEXT,
    deviceFlag: U8,
    version: U8,
    connectedAtMs: fc.nat(Number.MAX_SAFE_INTEGER),
  });
  const SENDS: fc.Arbitrary<Told> = fc
    .tuple(
      fc.record({ session: ID, fromUid: TEXT, seqMax: SEQ }),
      fc.array(
        fc.record({
          ticket: U32,
          addressedTo: fc.record({ type: U8, id: TEXT }),
          clientMsgNo: TEXT,
          flags: U8,
          setting: U8,
          expireSeconds: U32,
          topic: TEXT,
          payload: PAYLOAD,
        }),
        { minLength: 1, maxLength: 5 },
      ),
      fc.constantFrom(undefined, "undecodable", "rate_limit"),
    )
    .map(([head, all, refusal]) => [
      "sends",
      all.map(({ ticket, ...each }): SendRequest => ({ origin: "client", ...head, ...each, clientSeq: ticket })),
      all.map(({ ticket }) => ticket),
      refusal,
    ]);
  const RECEIVED = fc.record({ flags: U8, messageId: MESSAGE_ID, messageSeq: SEQ });
  const ROW: fc.Arbitrary<Told> = fc.oneof(
    fc.tuple(fc.constant("opened"), ID, TEXT),
    fc.tuple(fc.constant("entered"), SESSION, TEXT, U8),
    SENDS,
    fc.tuple(fc.constant("received"), RECEIVED, ID),
    fc.tuple(fc.constant("left"), ID, REASON),
    fc.tuple(fc.constant("closed"), ID, REASON),
  );

  test("arrives as it was told, and each row was announced", () => {
    fc.assert(
      fc.property(fc.array(ROW, { maxLength: 20 }), (told) => {
        const pack = new PackWriter();
        let marks = 0;
        tell(new CoreRowWriter(pack, () => marks++), told);
        const { rows, told: heard } = recorder<CoreRows>(NAMES);
        readCoreRows(new PackReader(pack.take()), rows);
        expect(heard).toEqual(told);
        expect(marks).toBe(told.length);
      }),
    );
  });

  test("a payload does not keep what it came with in memory", () => {
    const pack = new PackWriter();
    const request: SendRequest = {
      origin: "client",
      session: 1,
      fromUid: "u",
      addressedTo: { type: 1, id: "v" },
      clientSeq: 1,
      clientMsgNo: "",
      flags: 0,
      setting: 0,
      expireSeconds: 0,
      topic: "",
      payload: new Uint8Array(100_000),
    };
    const small = { ...request, payload: new Uint8Array(5_000).fill(9) };
    new CoreRowWriter(pack, () => undefined).sends([request, small], [0, 1], undefined);
    const payloads: Uint8Array[] = [];
    const { rows } = recorder<CoreRows>(NAMES);
    readCoreRows(new PackReader(pack.take()), {
      ...rows,
      sends: (requests) => payloads.push(...requests.map(({ payload }) => payload)),
    });
    expect(payloads[1]).toEqual(small.payload);
    expect(payloads[1]!.buffer.byteLength).toBeLessThan(100_000);
  });
});

describe("what the core tells a worker", () => {
  const NAMES = ["admitted", "ended", "decided", "answered", "forgotten", "recv", "disconnect"] as const;
  const IDS = fc.array(ID, { maxLength: 8 });
  const VERDICT = fc.oneof(
    fc.record({ kind: fc.constant("welcome" as const), level: fc.constantFrom("slave" as const, "master" as const) }),
    fc.record({ kind: fc.constant("refused" as const), reason: U8, close: REASON }),
    fc.record({ kind: fc.constant("cut" as const), close: REASON }),
  );
  const MESSAGE: fc.Arbitrary<PushedMessage> = fc.record({
    id: MESSAGE_ID,
    seq: SEQ,
    timeSeconds: fc.nat(2 ** 33),
    channel: fc.record({ type: U8, id: TEXT }),
    fromUid: TEXT,
    clientMsgNo: TEXT,
    flags: U8,
    setting: U8,
    expireSeconds: U32,
    topic: TEXT,
    payload: PAYLOAD,
  });
  const RESULT = fc.record(
    { reason: U8, id: MESSAGE_ID, seq: SEQ, repeated: fc.boolean(), retryAfterMs: fc.integer({ min: 1 }) },
    { requiredKeys: ["reason", "id", "seq", "repeated"] },
  );
  const TOLD_REASON = fc.option(fc.integer({ min: 0, max: 0xfe }), { nil: null });
  /** Of few messages, so that many are told of again. */
  const ROWS: fc.Arbitrary<Told[]> = fc
    .array(MESSAGE, { minLength: 1, maxLength: 30 })
    .chain((messages) =>
      fc.array(
        fc.oneof(
          fc.tuple(fc.constant("admitted"), ID),
          fc.tuple(fc.constant("ended"), ID, REASON),
          fc.tuple(fc.constant("decided"), ID, VERDICT),
          fc.tuple(fc.constant("answered"), U32, RESULT),
          fc.tuple(fc.constant("forgotten"), U32),
          fc.tuple(fc.constant("recv"), fc.constantFrom(...messages), IDS),
          fc.tuple(fc.constant("disconnect"), IDS, TOLD_REASON, TEXT, fc.nat(10_000)),
        ) as fc.Arbitrary<Told>,
        { maxLength: 60 },
      ),
    );

  test("arrives as it was told, over several packs", () => {
    fc.assert(
      fc.property(ROWS, ROWS, (first, second) => {
        const pack = new PackWriter();
        const writer = new GatewayRowWriter(pack, () => undefined);
        for (const told of [first, second]) {
          tell(writer, told);
          const { rows, told: heard } = recorder<GatewayRows>(NAMES);
          readGatewayRows(new PackReader(pack.take()), rows);
          writer.flushed();
          expect(heard).toEqual(told);
        }
      }),
    );
  });

  test("a message that goes out in slices is in a pack once, and one object for all of them", () => {
    const pack = new PackWriter();
    const writer = new GatewayRowWriter(pack, () => undefined);
    const [large, other] = [storedMessage({ payload: new Uint8Array(50_000) }), storedMessage()];
    for (let slice = 0; slice < 10; slice++) {
      writer.recv(large, [slice, slice + 100]);
      writer.recv(other, [slice]);
    }
    expect(pack.length).toBeLessThan(60_000);
    const heard: PushedMessage[] = [];
    const { rows } = recorder<GatewayRows>(NAMES);
    readGatewayRows(new PackReader(pack.take()), { ...rows, recv: (message) => heard.push(message) });
    expect(heard).toHaveLength(20);
    expect(new Set(heard).size).toBe(2);
    writer.flushed();
    writer.recv(large, [1]);
    expect(pack.length, "the next pack needs it again").toBeGreaterThan(50_000);
  });
});
