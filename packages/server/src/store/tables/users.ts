/** What belongs to one user: his conversations and devices. */
import type { Conversation, Stay } from "../../messaging/conversation.ts";
import type { ChannelKey } from "../../messaging/message.ts";
import type { KnownDevice } from "../../messaging/users.ts";
import type { ByteReader } from "../bytes.ts";
import type { Table } from "../table.ts";
import { key, read, readChannel, readKey, row } from "./rows.ts";

export interface ConversationKey {
  readonly uid: string;
  readonly channel: ChannelKey;
}
export const conversationTable: Table<ConversationKey, Conversation> = {
  name: "conversation",
  id: 10,
  keyOf: (shard, at) => key(shard, 10).text(at.uid).u8(at.channel.type).text(at.channel.id).take(),
  encode(conversation) {
    const writer = row()
      .u8(
        (conversation.membership === "left" ? 1 : 0) |
          (conversation.commandEnd === null ? 0 : 2) |
          (conversation.commandJoin === undefined ? 0 : 4) |
          (conversation.stays === undefined ? 0 : 8),
      )
      .varint(conversation.join.seq)
      .varint(conversation.join.counted)
      .varint(conversation.read.seq)
      .varint(conversation.read.counted)
      .varint(conversation.deletedTo.seq)
      .varint(conversation.deletedTo.counted)
      .varint(conversation.markedUnread)
      .varint(conversation.commandSeq)
      .varint(conversation.commandEnd ?? 0)
      .id(conversation.changed);
    if (conversation.commandJoin !== undefined) writer.varint(conversation.commandJoin);
    if (conversation.stays !== undefined) {
      writer.u8(conversation.stays.length);
      for (const { chat, command } of conversation.stays)
        writer.varint(chat.from).varint(chat.to).varint(command.from).varint(command.to);
    }
    return writer.take();
  },
  decode(value, keyBytes) {
    const at = readKey(keyBytes);
    at.text();
    const channel = readChannel(at);
    const reader = read(value);
    const bits = reader.u8();
    const join = { seq: reader.varint(), counted: reader.varint() };
    const readMark = { seq: reader.varint(), counted: reader.varint() };
    const deletedTo = { seq: reader.varint(), counted: reader.varint() };
    const markedUnread = reader.varint();
    const commandSeq = reader.varint();
    const commandEnd = reader.varint();
    const changed = reader.id();
    const commandJoin = (bits & 4) !== 0 ? reader.varint() : undefined;
    const stays = (bits & 8) !== 0 ? readStays(reader) : undefined;
    return {
      channel,
      membership: (bits & 1) !== 0 ? "left" : "member",
      join,
      read: readMark,
      deletedTo,
      markedUnread,
      commandSeq,
      commandEnd: (bits & 2) !== 0 ? commandEnd : null,
      ...(commandJoin === undefined ? undefined : { commandJoin }),
      ...(stays === undefined ? undefined : { stays }),
      changed,
    };
  },
};
function readStays(reader: ByteReader): readonly Stay[] {
  return Array.from({ length: reader.u8() }, () => ({
    chat: { from: reader.varint(), to: reader.varint() },
    command: { from: reader.varint(), to: reader.varint() },
  }));
}

export interface DeviceKey {
  readonly uid: string;
  readonly flag: number;
}
export const deviceTable: Table<DeviceKey, KnownDevice> = {
  name: "device",
  id: 11,
  keyOf: (shard, at) => key(shard, 11).text(at.uid).u8(at.flag).take(),
  encode: (device) =>
    row()
      .u8(device.level === "master" ? 1 : 0)
      .text(device.token)
      .u48(device.createdMs)
      .u48(device.updatedMs)
      .take(),
  decode(value, keyBytes) {
    const at = readKey(keyBytes);
    at.text();
    const reader = read(value);
    const level = reader.u8() === 1 ? "master" : "slave";
    const token = reader.text();
    return {
      flag: at.u8(),
      level,
      token,
      createdMs: reader.u48(),
      updatedMs: reader.u48(),
    };
  },
};

/** Of a key of `conversationTable` or `deviceTable`. */
export function uidOfKey(keyBytes: Uint8Array): string {
  return readKey(keyBytes).text();
}
