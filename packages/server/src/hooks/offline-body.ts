/**
 * The body of `msg.offline`: the message as its sender addressed it, and who is to be told. A person is named by his
 * uid, and `____system` is named as the sender.
 */
import { gzipSync } from "node:zlib";
import { withCommandSuffix } from "@wukong-ts/protocol";
import { messageMembersJson } from "../api/message-json.ts";
import { kindOf, peerOf } from "../messaging/channel-kinds.ts";
import { NAMED_WITH_SUFFIX, type StoredMessage } from "../messaging/message.ts";

export interface OfflineBodyOptions {
  readonly nodeId: number;
  /** More uids than this go compressed; 0: never. */
  readonly compressOver: number;
}

export function offlineBody(
  message: StoredMessage,
  toUids: readonly string[],
  { nodeId, compressOver }: OfflineBodyOptions,
): Uint8Array {
  const members = messageMembersJson(message, message.fromUid, addressedId(message));
  const uids = JSON.stringify(toUids);
  const receivers =
    compressOver > 0 && toUids.length > compressOver
      ? `"to_uids":[],"compress":"gzip","compress_to_uids":"${gzipSync(uids).toString("base64")}"`
      : `"to_uids":${uids}`;
  return Buffer.from(`{${members},${receivers},"source_id":${nodeId}}`);
}

function addressedId({ channel, fromUid, flags }: StoredMessage): string {
  const isPerson = kindOf(channel.type).name === "person";
  const id = isPerson ? (peerOf(channel.id, fromUid) ?? channel.id) : channel.id;
  return (flags & NAMED_WITH_SUFFIX) === 0 ? id : withCommandSuffix(id);
}
