/** The trail: what is remembered for questions that come later. */
import type { RefusalRule } from "../../messaging/refusals.ts";
import { emptyTrail, type PushNote, type UserTrail } from "../../observe/user-trail.ts";
import { ByteReader } from "../bytes.ts";
import type { Table } from "../table.ts";
import { key, logByte, logOf, ROW_VERSION, readKey, row } from "./rows.ts";

const TRAIL_ID = 21;
const ORDER_ID = 22;

export interface TrailRow extends UserTrail {
  /** Its key in the trail order; 0: in none. */
  order: number;
}

export const trailTable: Table<string, TrailRow> = {
  name: "trail",
  id: TRAIL_ID,
  keyOf: (shard, uid) => key(shard, TRAIL_ID).text(uid).take(),
  encode({ order, sessions, loginFailures, refusals, pushes }) {
    const writer = row().u48(order);
    writer.u8(sessions.length);
    for (const note of sessions) {
      writer
        .u48(note.boot)
        .u48(note.id)
        .u8(note.deviceFlag)
        .u8(note.deviceLevel === "master" ? 1 : 0);
      writer.text(note.deviceId).u8(note.version).id(note.opened).id(note.left).text(note.reason).u32(note.untold);
    }
    writer.u8(loginFailures.length);
    for (const { deviceFlag, reason, count, firstMs, lastMs } of loginFailures)
      writer.u8(deviceFlag).text(reason).u48(count).u48(firstMs).u48(lastMs);
    writer.u8(refusals.length);
    for (const { channel, log, reason, rule, count, firstMs, lastMs, cases } of refusals) {
      writer.u8(channel.type).text(channel.id).u8(logByte(log)).u8(reason).text(rule);
      writer.u48(count).u48(firstMs).u48(lastMs).u8(cases.length);
      for (const { id, clientMsgNo, atMs } of cases) writer.id(id).text(clientMsgNo).u48(atMs);
    }
    writer.u8(pushes.length);
    for (const note of pushes) {
      writer.text(note.kind).u48(note.boot).u48(note.sessionId).u8(note.channel.type).text(note.channel.id);
      writer.u8(logByte(note.log)).u48(note.firstSeq).u48(note.lastSeq).u16(note.resends).u48(note.atMs);
    }
    return writer.take();
  },
  decode(value) {
    const reader = new ByteReader(value);
    // A later program's: nothing that it says can be told.
    if (reader.u8() !== ROW_VERSION) return { order: 0, ...emptyTrail() };
    return {
      order: reader.u48(),
      sessions: many(reader, () => ({
        boot: reader.u48(),
        id: reader.u48(),
        deviceFlag: reader.u8(),
        deviceLevel: reader.u8() === 1 ? "master" : "slave",
        deviceId: reader.text(),
        version: reader.u8(),
        opened: reader.id(),
        left: reader.id(),
        reason: reader.text(),
        untold: reader.u32(),
      })),
      loginFailures: many(reader, () => ({
        deviceFlag: reader.u8(),
        reason: reader.text(),
        count: reader.u48(),
        firstMs: reader.u48(),
        lastMs: reader.u48(),
      })),
      refusals: many(reader, () => ({
        channel: { type: reader.u8(), id: reader.text() },
        log: logOf(reader.u8()),
        reason: reader.u8(),
        rule: reader.text() as RefusalRule, // written from one
        count: reader.u48(),
        firstMs: reader.u48(),
        lastMs: reader.u48(),
        cases: many(reader, () => ({ id: reader.id(), clientMsgNo: reader.text(), atMs: reader.u48() })),
      })),
      pushes: many(reader, () => ({
        kind: reader.text() as PushNote["kind"], // written from one
        boot: reader.u48(),
        sessionId: reader.u48(),
        channel: { type: reader.u8(), id: reader.text() },
        log: logOf(reader.u8()),
        firstSeq: reader.u48(),
        lastSeq: reader.u48(),
        resends: reader.u16(),
        atMs: reader.u48(),
      })),
    };
  },
};

export interface TrailOrder {
  readonly number: number;
  readonly uid: string;
}

export const trailOrderTable: Table<number, TrailOrder> = {
  name: "trail order",
  id: ORDER_ID,
  keyOf: (shard, number) => key(shard, ORDER_ID).u48(number).take(),
  encode: ({ uid }) => row().text(uid).take(),
  decode: (value, keyBytes) => ({
    number: readKey(keyBytes).u48(),
    uid: new ByteReader(value, 1).text(),
  }),
};

function many<Item>(reader: ByteReader, read: () => Item): Item[] {
  return Array.from({ length: reader.u8() }, read);
}
