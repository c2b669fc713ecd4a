/**
 * A stored message as the API shows it. The same for every reader: `channel_id` of a person message is who it was sent
 * to, and a message from the system account has no `from_uid` and is in the chat with that account.
 */
import { int64ToText, SYSTEM_UID, withCommandSuffix } from "@wukong-ts/protocol";
import { kindOf, peerOf } from "../messaging/channel-kinds.ts";
import { MessageFlag, type StoredMessage } from "../messaging/message.ts";
import { writeText } from "./json-writer.ts";

export function messageJson(message: StoredMessage): string {
  const fromUid = message.fromUid === SYSTEM_UID ? "" : message.fromUid;
  return `{${messageMembersJson(message, fromUid, shownChannelId(message))}}`;
}

/** The members of the object, under other names of its sender and its channel. */
export function messageMembersJson(message: StoredMessage, fromUid: string, channelId: string): string {
  const id = int64ToText(message.id);
  const { flags, payload } = message;
  const topic = message.topic === "" ? "" : `"topic":${writeText(message.topic)},`;
  const base64 = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64");
  return (
    `"header":{"no_persist":${bit(flags, MessageFlag.noPersist)},"red_dot":${bit(flags, MessageFlag.redDot)},` +
    `"sync_once":${bit(flags, MessageFlag.syncOnce)}},"setting":${message.setting},"message_id":${id},` +
    `"message_idstr":"${id}","client_msg_no":${writeText(message.clientMsgNo)},"message_seq":${message.seq},` +
    `"from_uid":${writeText(fromUid)},"channel_id":${writeText(channelId)},` +
    `"channel_type":${message.channel.type},${topic}"expire":${message.expireSeconds},` +
    `"timestamp":${message.timeSeconds},"payload":"${base64}"`
  );
}

/** Commands keep the suffix of their log. */
export function shownChannelId(message: StoredMessage): string {
  const id = receiverId(message);
  return message.log === "command" ? withCommandSuffix(id) : id;
}

function receiverId(message: StoredMessage): string {
  const { id, type } = message.channel;
  if (kindOf(type).name !== "person") return id;
  if (message.fromUid === SYSTEM_UID) return SYSTEM_UID;
  const peer = peerOf(id, message.fromUid);
  // A note to oneself goes by its stored id.
  return peer === undefined || peer === message.fromUid ? id : peer;
}

function bit(flags: number, flag: number): 0 | 1 {
  return (flags & flag) === 0 ? 0 : 1;
}
