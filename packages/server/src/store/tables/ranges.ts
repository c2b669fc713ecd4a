/** Which keys lie together. */
import type { ChannelKey } from "../../messaging/message.ts";
import type { KeyRange } from "../engine.ts";
import type { Table } from "../table.ts";
import { channelKey, key } from "./rows.ts";

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
