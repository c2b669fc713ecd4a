/** Events out: how far followers have come, and what waits for the back end. */
import type { MessageId } from "../../messaging/message.ts";
import type { Table } from "../table.ts";
import { EMPTY, key, read, readKey, row } from "./rows.ts";

export const cursorTable: Table<string, MessageId> = {
  name: "cursor",
  id: 15,
  keyOf: (shard, follower) => key(shard, 15).text(follower).take(),
  encode: (position) => row().id(position).take(),
  decode: (value) => read(value).id(),
};

export interface DeadLetterRow {
  /** Given out in the order in which they were laid aside. */
  readonly id: MessageId;
  readonly receiver: string;
  readonly eventName: string;
  readonly eventId: string;
  readonly reason: string;
  readonly tries: number;
  readonly sinceMs: number;
  readonly bodyBytes: number;
  readonly messageIds: readonly MessageId[];
}
export const deadLetterTable: Table<MessageId, DeadLetterRow> = {
  name: "dead letter",
  id: 16,
  keyOf: (shard, id) => key(shard, 16).id(id).take(),
  encode(letter) {
    const writer = row()
      .text(letter.receiver)
      .text(letter.eventName)
      .text(letter.eventId)
      .text(letter.reason)
      .u32(letter.tries)
      .u48(letter.sinceMs)
      .u48(letter.bodyBytes);
    for (const id of letter.messageIds) writer.id(id);
    return writer.take();
  },
  decode(value, keyBytes) {
    const reader = read(value);
    const letter = {
      id: readKey(keyBytes).id(),
      receiver: reader.text(),
      eventName: reader.text(),
      eventId: reader.text(),
      reason: reader.text(),
      tries: reader.u32(),
      sinceMs: reader.u48(),
      bodyBytes: reader.u48(),
    };
    const messageIds: MessageId[] = [];
    while (reader.left > 0) messageIds.push(reader.id());
    return { ...letter, messageIds };
  },
};

export const deadLetterBodyTable: Table<MessageId, Uint8Array> = {
  name: "dead letter body",
  id: 17,
  keyOf: (shard, id) => key(shard, 17).id(id).take(),
  encode: (body) => row().raw(body).take(),
  decode: (value) => read(value).rest(),
};

export interface StatusEvent {
  /** They are told in the order of their ids. */
  readonly id: MessageId;
  readonly uid: string;
  readonly deviceFlag: number;
  readonly isOnline: boolean;
  readonly session: number;
  /** Sessions of the uid after it: those of the same device flag, and all. */
  readonly deviceCount: number;
  readonly totalCount: number;
}
export const statusEventTable: Table<MessageId, StatusEvent> = {
  name: "status event",
  id: 18,
  keyOf: (shard, id) => key(shard, 18).id(id).take(),
  encode: (event) =>
    row()
      .text(event.uid)
      .u8(event.deviceFlag)
      .u8(event.isOnline ? 1 : 0)
      .u48(event.session)
      .u32(event.deviceCount)
      .u32(event.totalCount)
      .take(),
  decode(value, keyBytes) {
    const reader = read(value);
    return {
      id: readKey(keyBytes).id(),
      uid: reader.text(),
      deviceFlag: reader.u8(),
      isOnline: reader.u8() === 1,
      session: reader.u48(),
      deviceCount: reader.u32(),
      totalCount: reader.u32(),
    };
  },
};

export interface ToldOnline {
  readonly uid: string;
  readonly deviceFlag: number;
  readonly session: number;
}
export const toldOnlineTable: Table<ToldOnline, ToldOnline> = {
  name: "told online",
  id: 19,
  keyOf: (shard, at) => key(shard, 19).text(at.uid).u8(at.deviceFlag).u48(at.session).take(),
  encode: () => EMPTY,
  decode(_value, keyBytes) {
    const at = readKey(keyBytes);
    return { uid: at.text(), deviceFlag: at.u8(), session: at.u48() };
  },
};
