/** What belongs to the server as a whole. */
import type { Table } from "../table.ts";
import { EMPTY, key, read, readKey, row } from "./rows.ts";

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
