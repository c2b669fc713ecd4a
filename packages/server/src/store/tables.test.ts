import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChannelKey, StoredMessage } from "../messaging/message.ts";
import type { Table } from "./table.ts";
import * as tables from "./tables.ts";
import { trailOrderTable, trailTable } from "./tables.ts";

const u32 = fc.nat(0xffffffff);
const u48 = fc.nat(2 ** 48 - 1);
const id = fc.record({ high: u32, low: u32 });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const channel: fc.Arbitrary<ChannelKey> = fc.record({ type: fc.nat(255), id: text });
const log = fc.constantFrom("chat" as const, "command" as const);
const mark = fc.record({ seq: u48, counted: u48 });
const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 60 });

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Encoded and decoded again, a row is what it was; its key carries what the row leaves out. */
function roundTrip<Key, Row>(table: Table<Key, Row>, entries: fc.Arbitrary<readonly [Key, Row]>): void {
  fc.assert(
    fc.property(fc.nat(63), entries, (shard, [key, row]) => {
      const keyBytes = table.keyOf(shard, key);
      expect(keyBytes[2]).toBe(table.id);
      expect(plain(table.decode(table.encode(row), keyBytes))).toEqual(plain(row));
    }),
  );
}
/** Buffers and arrays of bytes compare alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

describe("rows", () => {
  test("a message", () => {
    const flags = fc.nat(255);
    const at = fc.record({ channel, log, seq: u48 });
    const rest = fc.record({
      id,
      countedTotal: u48,
      timeSeconds: u32,
      fromUid: text,
      clientMsgNo: text,
      flags,
      setting: flags,
      expireSeconds: u32,
      topic: text,
      payload: bytes,
    });
    roundTrip(
      tables.messageTable,
      fc.tuple(at, rest).map(([key, row]): [tables.MessageKey, StoredMessage] => [key, { ...row, ...key, session: 0 }]),
    );
  });

  test("trails", () => {
    const u8 = fc.nat(255);
    const u16 = fc.nat(0xffff);
    const sessionNote = fc.record({
      boot: u48,
      id: u48,
      deviceFlag: u8,
      deviceLevel: fc.constantFrom("slave" as const, "master" as const),
      deviceId: text,
      version: u8,
      opened: id,
      left: id,
      reason: text,
      untold: u32,
    });
    const loginFailure = fc.record({ deviceFlag: u8, reason: text, count: u48, firstMs: u48, lastMs: u48 });
    const refusal = fc.record({
      channel,
      log,
      reason: u8,
      rule: fc.constantFrom("not_member" as const, "overloaded" as const),
      count: u48,
      firstMs: u48,
      lastMs: u48,
      cases: fc.array(fc.record({ id, clientMsgNo: text, atMs: u48 }), { maxLength: 8 }),
    });
    const push = fc.record({
      kind: fc.constantFrom("late" as const, "not_pushed" as const),
      boot: u48,
      sessionId: u48,
      channel,
      log,
      firstSeq: u48,
      lastSeq: u48,
      resends: u16,
      atMs: u48,
    });
    const row = fc.record({
      order: u48,
      sessions: fc.array(sessionNote, { maxLength: 5 }),
      loginFailures: fc.array(loginFailure, { maxLength: 4 }),
      refusals: fc.array(refusal, { maxLength: 4 }),
      pushes: fc.array(push, { maxLength: 5 }),
    });
    roundTrip(trailTable, fc.tuple(text, row));
    roundTrip(
      trailOrderTable,
      fc.tuple(u48, text).map(([number, uid]) => [number, { number, uid }] as const),
    );
  });

  test("all others", () => {
    const logKey = fc.record({ channel, log });
    const entry = fc.record({ id, at: fc.record({ channel, log, seq: u48 }) });
    roundTrip(tables.messageIdsTable, fc.tuple(id, fc.array(entry, { maxLength: 20 })));
    // Runs of neighbouring messages, as batches have them.
    const run = fc
      .tuple(fc.record({ channel, log, seq: fc.nat(2 ** 40) }), fc.array(id, { minLength: 1, maxLength: 30 }))
      .map(([at, ids]) => ids.map((each, index) => ({ id: each, at: { ...at, seq: at.seq + index } })));
    const runs = fc.array(run, { maxLength: 6 }).map((all) => all.flat());
    roundTrip(tables.messageIdsTable, fc.tuple(id, runs));
    roundTrip(
      tables.receiptTable,
      fc.tuple(
        fc.record({ channel, log, fromUid: text, clientMsgNo: text }),
        fc.record({ id, seq: u48, payloadHash: fc.uint8Array({ minLength: 16, maxLength: 16 }) }),
      ),
    );
    roundTrip(
      tables.headTable,
      fc.tuple(
        logKey,
        fc.record({
          seq: u48,
          counted: u48,
          timeSeconds: u32,
          lastId: id,
          firstSeq: u48,
          removals: u48,
          rowsSeenIn: u32,
          lastSent: fc.array(fc.record({ seq: u48, counted: u48 }), { maxLength: 2 }),
        }),
      ),
    );
    roundTrip(tables.lastSentTable, fc.tuple(fc.record({ channel, uid: text }), mark));
    for (const table of [tables.memberTable, tables.denyTable, tables.allowTable])
      roundTrip(
        table,
        fc.tuple(channel, text, u48).map(
          ([of, uid, createdMs]) =>
            [
              { channel: of, uid },
              { uid, createdMs },
            ] as const,
        ),
      );
    const flag = fc.boolean();
    roundTrip(
      tables.channelTable,
      fc.tuple(
        channel,
        fc.record({
          created: flag,
          ban: flag,
          disband: flag,
          sendBan: flag,
          large: flag,
          allowStranger: flag,
          receiveOnly: flag,
          createdMs: u48,
          updatedMs: u48,
          members: u32,
          deny: u32,
          allow: u32,
        }),
      ),
    );
    const conversation = fc.record({
      membership: fc.constantFrom("member" as const, "left" as const),
      join: mark,
      read: mark,
      deletedTo: mark,
      markedUnread: u48,
      commandSeq: u48,
      commandEnd: fc.option(u48),
      changed: id,
    });
    const span = fc.record({ from: u48, to: u48 });
    const kept = fc.record(
      { commandJoin: u48, stays: fc.array(fc.record({ chat: span, command: span }), { maxLength: 4 }) },
      { requiredKeys: [] },
    );
    roundTrip(
      tables.conversationTable,
      fc.tuple(text, channel, conversation, kept).map(
        ([uid, of, row, more]) =>
          [
            { uid, channel: of },
            { ...row, ...more, channel: of },
          ] as const,
      ),
    );
    roundTrip(
      tables.deviceTable,
      fc
        .tuple(
          fc.record({ uid: text, flag: fc.nat(255) }),
          fc.record({
            token: text,
            level: fc.constantFrom("slave" as const, "master" as const),
            createdMs: u48,
            updatedMs: u48,
          }),
        )
        .map(([key, row]) => [key, { ...row, flag: key.flag }] as const),
    );
    roundTrip(
      tables.systemUidTable,
      text.map((uid) => [uid, uid] as const),
    );
    roundTrip(tables.systemTable, fc.tuple(text, u48));
    roundTrip(
      tables.removedTable,
      fc
        .tuple(fc.record({ channel, log, seq: u48 }), fc.record({ isCounted: flag, goneAtSeconds: u48 }))
        .map(([key, row]) => [key, { ...row, seq: key.seq }] as const),
    );
  });

  test("of followers and webhooks", () => {
    roundTrip(tables.cursorTable, fc.tuple(text, id));
    const letter = fc.record({
      receiver: text,
      eventName: text,
      eventId: text,
      reason: text,
      tries: u32,
      sinceMs: u48,
      bodyBytes: u48,
      messageIds: fc.array(id, { maxLength: 20 }),
    });
    roundTrip(
      tables.deadLetterTable,
      fc.tuple(id, letter).map(([key, row]) => [key, { ...row, id: key }] as const),
    );
    roundTrip(tables.deadLetterBodyTable, fc.tuple(id, bytes));
  });

  test("a row of a newer version is not guessed at", () => {
    const row = tables.systemTable.encode(1);
    row[0] = 9;
    expect(() => tables.systemTable.decode(row, tables.systemTable.keyOf(0, "x"))).toThrow(/newer format/);
  });
});

describe("keys", () => {
  test("of two different places differ, whatever characters the ids have", () => {
    const place = fc.record({ channel, log, fromUid: text, clientMsgNo: text });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const isSame = JSON.stringify(plain(a)) === JSON.stringify(plain(b));
        expect(same(tables.receiptTable.keyOf(1, a), tables.receiptTable.keyOf(1, b))).toBe(isSame);
      }),
    );
  });

  test("sort a log's messages by seq", () => {
    fc.assert(
      fc.property(channel, log, u48, u48, (of, name, a, b) => {
        const keyOf = (seq: number): Uint8Array => tables.messageTable.keyOf(3, { channel: of, log: name, seq });
        expect(Math.sign(Buffer.compare(keyOf(a), keyOf(b)))).toBe(Math.sign(a - b));
      }),
    );
  });

  test("a channel's range holds its own rows and no other channel's, also when one id begins with the other", () => {
    const inRange = (range: { from: Uint8Array; to: Uint8Array }, key: Uint8Array): boolean =>
      Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
    fc.assert(
      fc.property(channel, text, text, (of, more, uid) => {
        const range = tables.channelRange(tables.memberTable, 5, of);
        const other = { type: of.type, id: of.id + more };
        expect(inRange(range, tables.memberTable.keyOf(5, { channel: of, uid }))).toBe(true);
        expect(inRange(range, tables.memberTable.keyOf(5, { channel: other, uid }))).toBe(more === "");
        expect(inRange(range, tables.denyTable.keyOf(5, { channel: of, uid }))).toBe(false);
        expect(inRange(range, tables.memberTable.keyOf(6, { channel: of, uid }))).toBe(false);
      }),
    );
  });
});
