/**
 * Every table: its key, its row, and the shard it lies in. A key is shard u16, table u8, then the table's own parts; a
 * row begins with its version byte. A channel's rows carry (type u8, id text) in front, so one channel's messages are
 * neighbours and a shard is one contiguous range.
 *
 * | id | table        | key                                   | shard of | row |
 * |----|--------------|---------------------------------------|----------|-----|
 * | 1  | message      | channel, log, seq                     | channel  | one message |
 * | 2  | message ids  | the last one's id                     | channel  | the messages of one batch in id order, and where each stands: channel, log, seq. In key order this is the feed |
 * | 3  | receipt      | channel, log, from uid, client number | channel  | idempotency: id, seq, hash of the payload |
 * | 4  | head         | channel, log                          | channel  | the last message's place, time and id |
 * | 5  | last sent    | channel, uid                          | channel  | the mark of the user's own last message |
 * | 6–8| member, deny, allow | channel, uid                   | channel  | since when |
 * | 9  | channel      | channel                               | channel  | flags, times, sizes of the three lists |
 * | 10 | conversation | uid, channel                          | user     | membership and marks |
 * | 11 | device       | uid, device flag                      | user     | token, level and times |
 * | 12 | system uid   | uid                                   | 0        | – |
 * | 13 | system       | name                                  | 0        | format of the data directory |
 * | 14 | removed      | channel, log, seq                     | channel  | from when on a message no longer counts |
 * | 15 | cursor       | follower's name                       | followed | the last message of the shard that the follower has handled |
 * | 16 | dead letter  | its id                                | 0        | a webhook event that its receiver refuses: what, why, which messages |
 * | 17 | dead letter body | its id                            | 0        | the event's body |
 */
import type { Conversation } from "../messaging/conversation.ts";
import type { ChannelKey, Head, LogName, Mark, MessageId, Receipt, StoredMessage } from "../messaging/message.ts";
import type { Removal } from "../messaging/removals.ts";
import type { KnownDevice } from "../messaging/users.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { KeyRange } from "./engine.ts";
import type { Table } from "./table.ts";

const keys = new ByteWriter();
const rows = new ByteWriter();
const ROW_VERSION = 1;

function key(shard: number, table: number): ByteWriter {
  return keys.begin().u16(shard).u8(table);
}
function channelKey(shard: number, table: number, channel: ChannelKey): ByteWriter {
  return key(shard, table).u8(channel.type).text(channel.id);
}
function row(): ByteWriter {
  return rows.begin().u8(ROW_VERSION);
}
function read(value: Uint8Array): ByteReader {
  const reader = new ByteReader(value);
  const version = reader.u8();
  if (version !== ROW_VERSION) throw new Error(`a row of version ${version}: the data is of a newer format`);
  return reader;
}
/** Past shard and table. */
function readKey(bytes: Uint8Array): ByteReader {
  return new ByteReader(bytes, 3);
}
function readChannel(reader: ByteReader): ChannelKey {
  return { type: reader.u8(), id: reader.text() };
}
const LOGS: readonly LogName[] = ["chat", "command"];
function logByte(log: LogName): number {
  return log === "chat" ? 0 : 1;
}
function logOf(byte: number): LogName {
  return LOGS[byte] ?? "chat";
}
const EMPTY = new Uint8Array([ROW_VERSION]);

export interface LogKey {
  readonly channel: ChannelKey;
  readonly log: LogName;
}
export interface MessageKey extends LogKey {
  readonly seq: number;
}
export const messageTable: Table<MessageKey, StoredMessage> = {
  name: "message",
  id: 1,
  keyOf: (shard, at) => channelKey(shard, 1, at.channel).u8(logByte(at.log)).u48(at.seq).take(),
  encode: (message) =>
    row()
      .u8(message.flags)
      .u8(message.setting)
      .id(message.id)
      .u48(message.countedTotal)
      .u32(message.timeSeconds)
      .u32(message.expireSeconds)
      .text(message.fromUid)
      .text(message.clientMsgNo)
      .text(message.topic)
      .raw(message.payload)
      .take(),
  decode(value, keyBytes) {
    const at = readKey(keyBytes);
    const channel = readChannel(at);
    const log = logOf(at.u8());
    const seq = at.u48();
    const reader = read(value);
    const flags = reader.u8();
    const setting = reader.u8();
    const id = reader.id();
    const countedTotal = reader.u48();
    const timeSeconds = reader.u32();
    const expireSeconds = reader.u32();
    const fromUid = reader.text();
    const clientMsgNo = reader.text();
    const topic = reader.text();
    const payload = reader.rest();
    return {
      id,
      seq,
      countedTotal,
      timeSeconds,
      channel,
      log,
      fromUid,
      clientMsgNo,
      session: 0,
      flags,
      setting,
      expireSeconds,
      topic,
      payload,
    };
  },
};

/** One message of a batch, by its id. */
export interface IdEntry {
  readonly id: MessageId;
  readonly at: MessageKey;
}

/**
 * Most batches hold several messages of one log, which stand behind each other: such a run is written with its channel
 * and first seq once. A row per message would cost a quarter of all the keys there are.
 */
export const messageIdsTable: Table<MessageId, readonly IdEntry[]> = {
  name: "message ids",
  id: 2,
  keyOf: (shard, lastId) => key(shard, 2).id(lastId).take(),
  encode(entries) {
    const writer = row();
    for (let from = 0; from < entries.length; ) {
      const to = endOfRun(entries, from);
      const { channel, log, seq } = entries[from]!.at;
      writer
        .u8(logByte(log))
        .u8(channel.type)
        .text(channel.id)
        .u48(seq)
        .u16(to - from);
      for (let index = from; index < to; index++) writer.id(entries[index]!.id);
      from = to;
    }
    return writer.take();
  },
  decode(value) {
    const reader = read(value);
    const entries: IdEntry[] = [];
    while (reader.left > 0) {
      const log = logOf(reader.u8());
      const channel = readChannel(reader);
      const firstSeq = reader.u48();
      const count = reader.u16();
      for (let index = 0; index < count; index++)
        entries.push({ id: reader.id(), at: { channel, log, seq: firstSeq + index } });
    }
    return entries;
  },
};
/** So many at most in one row: a page of rows stays small. */
export const IDS_PER_ROW_MAX = 1024;

/** Of the messages of one log with neighbouring seqs that begin at `from`. */
function endOfRun(entries: readonly IdEntry[], from: number): number {
  const first = entries[from]!.at;
  let to = from + 1;
  for (; to < entries.length; to++) {
    const { channel, log, seq } = entries[to]!.at;
    if (seq !== first.seq + to - from || log !== first.log) break;
    if (channel !== first.channel && (channel.type !== first.channel.type || channel.id !== first.channel.id)) break;
  }
  return to;
}

/** The greatest id of the row with this key. */
export function lastIdOfKey(keyBytes: Uint8Array): MessageId {
  return readKey(keyBytes).id();
}
/** From the first row that holds an id after this one to the end of the shard's. */
export function idsAfter(shard: number, id: MessageId): Pick<KeyRange, "from" | "to"> {
  const range = idsFrom(shard, id);
  return { from: Buffer.concat([range.from, new Uint8Array(1)]), to: range.to };
}
/** From the row that holds `id`, if any does, to the end of the shard's. */
export function idsFrom(shard: number, id: MessageId): Pick<KeyRange, "from" | "to"> {
  return { from: messageIdsTable.keyOf(shard, id), to: tableRange(messageIdsTable, shard).to };
}

export interface ReceiptKey extends LogKey {
  readonly fromUid: string;
  readonly clientMsgNo: string;
}
export const receiptTable: Table<ReceiptKey, Receipt> = {
  name: "receipt",
  id: 3,
  keyOf: (shard, at) =>
    channelKey(shard, 3, at.channel).u8(logByte(at.log)).text(at.fromUid).text(at.clientMsgNo).take(),
  encode: (receipt) => row().id(receipt.id).u48(receipt.seq).raw(receipt.payloadHash).take(),
  decode(value) {
    const reader = read(value);
    return { id: reader.id(), seq: reader.u48(), payloadHash: reader.rest() };
  },
};

export const headTable: Table<LogKey, Head> = {
  name: "head",
  id: 4,
  keyOf: (shard, at) => channelKey(shard, 4, at.channel).u8(logByte(at.log)).take(),
  encode: (head) =>
    row()
      .u48(head.seq)
      .u48(head.counted)
      .u32(head.timeSeconds)
      .id(head.lastId)
      .u48(head.firstSeq)
      .u48(head.removals)
      .take(),
  decode(value) {
    const reader = read(value);
    return {
      seq: reader.u48(),
      counted: reader.u48(),
      timeSeconds: reader.u32(),
      lastId: reader.id(),
      firstSeq: reader.u48(),
      removals: reader.u48(),
    };
  },
};

export interface ListKey {
  readonly channel: ChannelKey;
  readonly uid: string;
}
export const lastSentTable: Table<ListKey, Mark> = {
  name: "last sent",
  id: 5,
  keyOf: (shard, at) => channelKey(shard, 5, at.channel).text(at.uid).take(),
  encode: (mark) => row().u48(mark.seq).u48(mark.counted).take(),
  decode(value) {
    const reader = read(value);
    return { seq: reader.u48(), counted: reader.u48() };
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
      .u32(channel.members)
      .u32(channel.deny)
      .u32(channel.allow)
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
      members: reader.u32(),
      deny: reader.u32(),
      allow: reader.u32(),
    };
  },
};

export interface ConversationKey {
  readonly uid: string;
  readonly channel: ChannelKey;
}
export const conversationTable: Table<ConversationKey, Conversation> = {
  name: "conversation",
  id: 10,
  keyOf: (shard, at) => key(shard, 10).text(at.uid).u8(at.channel.type).text(at.channel.id).take(),
  encode: (conversation) =>
    row()
      .u8((conversation.membership === "left" ? 1 : 0) | (conversation.commandEnd === null ? 0 : 2))
      .u48(conversation.join.seq)
      .u48(conversation.join.counted)
      .u48(conversation.read.seq)
      .u48(conversation.read.counted)
      .u48(conversation.deletedTo.seq)
      .u48(conversation.deletedTo.counted)
      .u48(conversation.markedUnread)
      .u48(conversation.commandSeq)
      .u48(conversation.commandEnd ?? 0)
      .id(conversation.changed)
      .take(),
  decode(value, keyBytes) {
    const at = readKey(keyBytes);
    at.text();
    const channel = readChannel(at);
    const reader = read(value);
    const bits = reader.u8();
    const join = { seq: reader.u48(), counted: reader.u48() };
    const readMark = { seq: reader.u48(), counted: reader.u48() };
    const deletedTo = { seq: reader.u48(), counted: reader.u48() };
    const markedUnread = reader.u48();
    const commandSeq = reader.u48();
    const commandEnd = reader.u48();
    return {
      channel,
      membership: (bits & 1) !== 0 ? "left" : "member",
      join,
      read: readMark,
      deletedTo,
      markedUnread,
      commandSeq,
      commandEnd: (bits & 2) !== 0 ? commandEnd : null,
      changed: reader.id(),
    };
  },
};

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
    // Rows were written without times once.
    const hasTimes = reader.rest().length > 0;
    return {
      flag: at.u8(),
      level,
      token,
      createdMs: hasTimes ? reader.u48() : 0,
      updatedMs: hasTimes ? reader.u48() : 0,
    };
  },
};

export const systemUidTable: Table<string, string> = {
  name: "system uid",
  id: 12,
  keyOf: (shard, uid) => key(shard, 12).text(uid).take(),
  encode: () => EMPTY,
  decode: (_value, keyBytes) => readKey(keyBytes).text(),
};

export const systemTable: Table<string, number> = {
  name: "system",
  id: 13,
  keyOf: (shard, name) => key(shard, 13).text(name).take(),
  encode: (value) => row().u48(value).take(),
  decode: (value) => read(value).u48(),
};

export const removedTable: Table<MessageKey, Removal> = {
  name: "removed",
  id: 14,
  keyOf: (shard, at) => channelKey(shard, 14, at.channel).u8(logByte(at.log)).u48(at.seq).take(),
  encode: (removal) =>
    row()
      .u8(removal.isCounted ? 1 : 0)
      .u48(removal.goneAtSeconds)
      .take(),
  decode(value, keyBytes) {
    const at = readKey(keyBytes);
    readChannel(at);
    at.u8();
    const seq = at.u48();
    const reader = read(value);
    return { seq, isCounted: reader.u8() === 1, goneAtSeconds: reader.u48() };
  },
};

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

/** All rows of one table in one shard whose key begins with these parts. */
export function tableRange(table: Table<never, unknown>, shard: number): Pick<KeyRange, "from" | "to"> {
  return prefixRange(key(shard, table.id).take());
}
export function channelRange(
  table: Table<never, unknown>,
  shard: number,
  channel: ChannelKey,
): Pick<KeyRange, "from" | "to"> {
  return prefixRange(channelKey(shard, table.id, channel).take());
}
export function userRange(table: Table<never, unknown>, shard: number, uid: string): Pick<KeyRange, "from" | "to"> {
  return prefixRange(key(shard, table.id).text(uid).take());
}
/** Messages with first ≤ seq ≤ last. */
export function seqRange(shard: number, at: LogKey, firstSeq: number, lastSeq: number): Pick<KeyRange, "from" | "to"> {
  return {
    from: messageTable.keyOf(shard, { ...at, seq: firstSeq }),
    to: messageTable.keyOf(shard, { ...at, seq: lastSeq + 1 }),
  };
}
function prefixRange(prefix: Uint8Array): Pick<KeyRange, "from" | "to"> {
  const to = Buffer.from(prefix);
  for (let i = to.length - 1; i >= 0; i--) {
    const byte = to[i] ?? 0;
    if (byte < 255) {
      to[i] = byte + 1;
      return { from: prefix, to: to.subarray(0, i + 1) };
    }
  }
  return { from: prefix, to: Buffer.alloc(prefix.length + 1, 255) };
}
