/** Channels, their three lists, and what hangs on a member of one. */
import type { ChannelKey, Mark } from "../../messaging/message.ts";
import type { Table } from "../table.ts";
import { channelKey, read, readChannel, readKey, row } from "./rows.ts";

export interface ListKey {
  readonly channel: ChannelKey;
  readonly uid: string;
}
/** Where the last message of somebody stands who belongs to the channel otherwise than by its id. */
export const lastSentTable: Table<ListKey, Mark> = {
  name: "last sent",
  id: 5,
  keyOf: (shard, at) => channelKey(shard, 5, at.channel).text(at.uid).take(),
  encode: (mark) => row().varint(mark.seq).varint(mark.counted).take(),
  decode(value) {
    const reader = read(value);
    return { seq: reader.varint(), counted: reader.varint() };
  },
};

export interface ListRow {
  readonly uid: string;
  readonly createdMs: number;
}
function listTable(name: string, id: number): Table<ListKey, ListRow> {
  return {
    name,
    id,
    keyOf: (shard, at) => channelKey(shard, id, at.channel).text(at.uid).take(),
    encode: (entry) => row().u48(entry.createdMs).take(),
    decode(value, keyBytes) {
      const at = readKey(keyBytes);
      readChannel(at);
      return { uid: at.text(), createdMs: read(value).u48() };
    },
  };
}
export const memberTable: Table<ListKey, ListRow> = listTable("member", 6);
export const denyTable: Table<ListKey, ListRow> = listTable("deny", 7);
export const allowTable: Table<ListKey, ListRow> = listTable("allow", 8);

export interface ChannelRow {
  /** Made by /channel, /channel/info or the first member; a record that only carries lists has not been. */
  readonly created: boolean;
  readonly ban: boolean;
  readonly disband: boolean;
  readonly sendBan: boolean;
  readonly large: boolean;
  readonly allowStranger: boolean;
  /** Its members were set as the receivers of a temporary channel: they may not send. */
  readonly receiveOnly: boolean;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Sizes of the three lists: an empty one is never looked for on disk. */
  readonly members: number;
  readonly deny: number;
  readonly allow: number;
}
export const channelTable: Table<ChannelKey, ChannelRow> = {
  name: "channel",
  id: 9,
  keyOf: (shard, channel) => channelKey(shard, 9, channel).take(),
  encode: (channel) =>
    row()
      .u8(
        (channel.created ? 1 : 0) |
          (channel.ban ? 2 : 0) |
          (channel.disband ? 4 : 0) |
          (channel.sendBan ? 8 : 0) |
          (channel.large ? 16 : 0) |
          (channel.allowStranger ? 32 : 0) |
          (channel.receiveOnly ? 64 : 0),
      )
      .u48(channel.createdMs)
      .u48(channel.updatedMs)
      .varint(channel.members)
      .varint(channel.deny)
      .varint(channel.allow)
      .take(),
  decode(value) {
    const reader = read(value);
    const bits = reader.u8();
    return {
      created: (bits & 1) !== 0,
      ban: (bits & 2) !== 0,
      disband: (bits & 4) !== 0,
      sendBan: (bits & 8) !== 0,
      large: (bits & 16) !== 0,
      allowStranger: (bits & 32) !== 0,
      receiveOnly: (bits & 64) !== 0,
      createdMs: reader.u48(),
      updatedMs: reader.u48(),
      members: reader.varint(),
      deny: reader.varint(),
      allow: reader.varint(),
    };
  },
};

/** Of a key of `channelTable`. */
export function channelOfKey(keyBytes: Uint8Array): ChannelKey {
  return readChannel(readKey(keyBytes));
}

export const sourcedTable: Table<ChannelKey, number> = {
  name: "sourced",
  id: 20,
  keyOf: (shard, channel) => channelKey(shard, 20, channel).take(),
  encode: (askedMs) => row().u48(askedMs).take(),
  decode: (value) => read(value).u48(),
};
