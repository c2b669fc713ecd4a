/**
 * A stored message as the API shows it. The same for every reader: `channel_id` of a person message is who it was sent
 * to, and a message from the system account has no `from_uid` and is in the chat with that account.
 */
import { int64ToText, SYSTEM_UID, withCommandSuffix } from "@wukong-ts/protocol";
import { kindOf, peerOf } from "../messaging/channel-kinds.ts";
import { MessageFlag, type StoredMessage } from "../messaging/message.ts";
import { BIT, eitherOf, listOf, shape, statusOf, titled } from "./answer-schema.ts";
import { about, type JsonSchema, UINT8, UINT32, UINT64 } from "./json-schema.ts";
import { writeText } from "./json-writer.ts";

export const MESSAGE: JsonSchema = titled(
  "Message",
  shape(
    {
      header: shape({ no_persist: BIT, red_dot: BIT, sync_once: BIT }),
      setting: about(UINT8, "Bits: 128 receipt, 8 topic, 2 stream."),
      message_id: about(UINT64, "Beyond 2^53: read it as text, or use message_idstr."),
      message_idstr: { type: "string", pattern: "^[0-9]+$" },
      client_msg_no: { type: "string" },
      message_seq: about(UINT64, "The place in the channel's log, from 1 without gaps."),
      from_uid: { type: "string", description: "Empty: the system account." },
      channel_id: {
        type: "string",
        description: "For a person (type 1) who the message was sent to. Commands keep the suffix ____cmd.",
      },
      channel_type: UINT8,
      topic: { type: "string" },
      expire: about(UINT32, "Seconds; 0: never."),
      timestamp: { type: "integer", description: "Seconds since 1970." },
      payload: { type: "string", contentEncoding: "base64" },
    },
    ["topic"],
  ),
);

/** A message, or the status of one that is not there. */
export const MESSAGE_OR_404: JsonSchema = eitherOf(MESSAGE, statusOf(404));

export const MESSAGE_PAGE: JsonSchema = titled(
  "MessagePage",
  shape({ start_message_seq: UINT64, end_message_seq: UINT64, more: BIT, messages: listOf(MESSAGE) }),
);

/** In the documentation. */
export const MESSAGE_EXAMPLE = {
  header: { no_persist: 0, red_dot: 1, sync_once: 0 },
  setting: 0,
  message_id: 1_914_637_450_395_648_001n,
  message_idstr: "1914637450395648001",
  client_msg_no: "order-1001",
  message_seq: 1,
  from_uid: "alice",
  channel_id: "bob",
  channel_type: 1,
  expire: 0,
  timestamp: 1_776_840_000,
  payload: "eyJ0eXBlIjoxLCJjb250ZW50IjoiaGVsbG8ifQ==",
} as const;

export function messageJson(message: StoredMessage): string {
  const id = int64ToText(message.id);
  const { flags, payload } = message;
  const isFromSystem = message.fromUid === SYSTEM_UID;
  const topic = message.topic === "" ? "" : `"topic":${writeText(message.topic)},`;
  const base64 = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("base64");
  return (
    `{"header":{"no_persist":${bit(flags, MessageFlag.noPersist)},"red_dot":${bit(flags, MessageFlag.redDot)},` +
    `"sync_once":${bit(flags, MessageFlag.syncOnce)}},"setting":${message.setting},"message_id":${id},` +
    `"message_idstr":"${id}","client_msg_no":${writeText(message.clientMsgNo)},"message_seq":${message.seq},` +
    `"from_uid":${isFromSystem ? '""' : writeText(message.fromUid)},"channel_id":${writeText(shownChannelId(message))},` +
    `"channel_type":${message.channel.type},${topic}"expire":${message.expireSeconds},` +
    `"timestamp":${message.timeSeconds},"payload":"${base64}"}`
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
