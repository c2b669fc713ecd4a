/**
 * Which shard holds what. A channel's messages, members, lists and marks lie together; so do a user's conversation rows,
 * devices and own person lists. The number is written into every data directory and can never change.
 */
import { crc32 } from "node:zlib";
import { type ChannelKey, channelText } from "../messaging/message.ts";

export const SHARD_COUNT = 64;
/** Rows that belong to nobody: format, system accounts. */
export const GLOBAL_SHARD = 0;

export function shardOfUser(uid: string): number {
  return crc32(uid) % SHARD_COUNT;
}

/** A person channel's own record (type 1, a bare uid) lies with its user. */
export function shardOfChannel(key: ChannelKey): number {
  return isPersonRecord(key) ? shardOfUser(key.id) : crc32(channelText(key)) % SHARD_COUNT;
}

/** Type 1 with a bare uid is not a chat: it is where that user's flags and lists stand. */
export function isPersonRecord(key: ChannelKey): boolean {
  return key.type === 1 && !key.id.includes("@");
}
