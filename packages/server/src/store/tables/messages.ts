/** Messages, the index of their ids, and what is kept of each for idempotency and heads. */
import type { ChannelKey, Head, LogName, Mark, MessageId, Receipt, StoredMessage } from "../../messaging/message.ts";
import type { Removal } from "../../messaging/removals.ts";
import type { ByteReader } from "../bytes.ts";
import type { KeyRange } from "../engine.ts";
import type { Table } from "../table.ts";
import { tableRange } from "./ranges.ts";
import { channelKey, key, logByte, logOf, read, readChannel, readKey, row } from "./rows.ts";

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
      .varint(message.countedTotal)
      .u32(message.timeSeconds)
      .varint(message.expireSeconds)
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
    const countedTotal = reader.varint();
    const timeSeconds = reader.u32();
    const expireSeconds = reader.varint();
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
        .varint(seq)
        .varint(to - from);
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
      const firstSeq = reader.varint();
      const count = reader.varint();
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
  encode: (receipt) => row().id(receipt.id).varint(receipt.seq).raw(receipt.payloadHash).take(),
  decode(value) {
    const reader = read(value);
    return { id: reader.id(), seq: reader.varint(), payloadHash: reader.rest() };
  },
};

export const headTable: Table<LogKey, Head> = {
  name: "head",
  id: 4,
  keyOf: (shard, at) => channelKey(shard, 4, at.channel).u8(logByte(at.log)).take(),
  encode(head) {
    const writer = row()
      .u32(head.rowsSeenIn)
      .varint(head.seq)
      .varint(head.counted)
      .u32(head.timeSeconds)
      .id(head.lastId)
      .varint(head.firstSeq)
      .varint(head.removals);
    for (const mark of head.lastSent) writer.varint(mark.seq).varint(mark.counted);
    return writer.take();
  },
  decode(value) {
    const reader = read(value);
    return {
      rowsSeenIn: reader.u32(),
      seq: reader.varint(),
      counted: reader.varint(),
      timeSeconds: reader.u32(),
      lastId: reader.id(),
      firstSeq: reader.varint(),
      removals: reader.varint(),
      lastSent: readMarks(reader),
    };
  },
};

function readMarks(reader: ByteReader): readonly Mark[] {
  const marks: Mark[] = [];
  while (reader.left > 0) marks.push({ seq: reader.varint(), counted: reader.varint() });
  return marks;
}

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

/** Messages with first ≤ seq ≤ last. */
export function seqRange(shard: number, at: LogKey, firstSeq: number, lastSeq: number): Pick<KeyRange, "from" | "to"> {
  return {
    from: messageTable.keyOf(shard, { ...at, seq: firstSeq }),
    to: messageTable.keyOf(shard, { ...at, seq: lastSeq + 1 }),
  };
}
