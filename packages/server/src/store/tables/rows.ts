/** How all tables write: a key is shard u16, table u8 and its own parts, a row begins with its version byte. */
import type { ChannelKey, LogName } from "../../messaging/message.ts";
import { ByteReader, ByteWriter } from "../bytes.ts";

const keys = new ByteWriter();
const rows = new ByteWriter();
export const ROW_VERSION = 1;

export function key(shard: number, table: number): ByteWriter {
  return keys.begin().u16(shard).u8(table);
}
export function channelKey(shard: number, table: number, channel: ChannelKey): ByteWriter {
  return key(shard, table).u8(channel.type).text(channel.id);
}
export function row(): ByteWriter {
  return rows.begin().u8(ROW_VERSION);
}
export function read(value: Uint8Array): ByteReader {
  const reader = new ByteReader(value);
  const version = reader.u8();
  if (version !== ROW_VERSION) throw new Error(`a row of version ${version}: the data is of a newer format`);
  return reader;
}
/** Past shard and table. */
export function readKey(bytes: Uint8Array): ByteReader {
  return new ByteReader(bytes, 3);
}
export function readChannel(reader: ByteReader): ChannelKey {
  return { type: reader.u8(), id: reader.text() };
}
const LOGS: readonly LogName[] = ["chat", "command"];
export function logByte(log: LogName): number {
  return log === "chat" ? 0 : 1;
}
export function logOf(byte: number): LogName {
  return LOGS[byte] ?? "chat";
}
export const EMPTY: Uint8Array = new Uint8Array([ROW_VERSION]);
