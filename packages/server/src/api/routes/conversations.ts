/** A user's chats: the list, single chats, and the marks he sets. The error texts are the original's, differences included. */
import type { ChatList } from "../../messaging/chat-list.ts";
import { channelText } from "../../messaging/message.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { chatOf } from "../addressing.ts";
import { listOf, SUCCESS, shape } from "../answer-schema.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, channelTypeOf, integerOf, route } from "../api-route.ts";
import { CHAT, ChatsJson } from "../chat-json.ts";
import { BAD_CHANNEL_ID } from "../id-checks.ts";
import { about, array, CHANNEL_ID, type Decoded, INT, INT64, object, text, UID, UINT8 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { MESSAGE_EXAMPLE } from "../message-json.ts";
import { channelsMessagesRoute } from "./channels-messages.ts";

type ConversationDeps = Pick<ApiDeps, "chatList" | "history" | "conversations" | "world">;

/** All chats of a very full list, 50 characters each. */
const LAST_SEQS_BYTES_MAX = 4_194_304;

const SYNC = object(
  "syncUserConversationReq",
  {
    uid: UID,
    version: about(INT64, "The greatest version the client has; 0: all chats."),
    last_msg_seqs: about(
      text(LAST_SEQS_BYTES_MAX),
      "What the client has: channel_id:channel_type:last_msg_seq for each chat, joined with |.",
    ),
    msg_count: about(INT, "Messages for each chat, at most 10,000. 0 or less is answered with an empty list."),
    only_unread: about(INT, "1: only chats with unread messages."),
    exclude_channel_types: array(UINT8),
    page: about(INT, "From 1. 0: no pages, up to 10,000 chats."),
    page_size: about(INT, "0 is 100; at most 500."),
  },
  ["uid"],
);
const BY_CHANNELS = object(
  "syncByChannelsReq",
  {
    uid: UID,
    channels: array(object("channelReq", { channel_id: CHANNEL_ID, channel_type: UINT8 }), 10_000),
    msg_count: about(INT, "Messages for each chat; 0 is 15."),
  },
  ["uid", "channels"],
);
const OF_USER = object("conversationChannelsReq", { uid: UID }, ["uid"]);
const CHAT_FIELDS = { uid: UID, channel_id: about(CHANNEL_ID, "For a person (type 1) his uid."), channel_type: UINT8 };
const CHAT_NAMES = ["uid", "channel_id", "channel_type"] as const;
const CHAT_KEY = object("conversationReq", CHAT_FIELDS, CHAT_NAMES);
const UNREAD = object(
  "setUnreadReq",
  { ...CHAT_FIELDS, unread: about(INT, "0 or more; at most what is visible.") },
  CHAT_NAMES,
);
const CHATS = listOf(CHAT);
const CHANNELS = listOf(shape({ channel_id: { type: "string" }, channel_type: UINT8 }));

const PAGE_SIZE_DEFAULT = 100;
const PAGE_SIZE_MAX = 500;
const MESSAGE_COUNT_DEFAULT = 15;
const MESSAGE_COUNT_MAX = 10_000;

const BAR = 0x7c;
const COLON = 0x3a;

const NO_UID = "uid cannot be empty";
/** The same to set a number, and to delete. */
const NO_UID_TO_SET = "UID cannot be empty";
const NO_UID_TO_DELETE = "Uid cannot be empty";
const NO_CHANNEL = "channel_id or channel_type cannot be empty";
const NO_CHANNELS = "channels cannot be empty";
const NEGATIVE = "unread cannot be negative";

export function conversationRoutes(deps: ConversationDeps): readonly ApiRoute[] {
  const { chatList } = deps;
  const json = new ChatsJson(deps.world.timers);
  return [
    route({
      method: "POST",
      path: "/conversation/sync",
      tag: "Conversations",
      summary: "A user's chat list",
      details:
        "Every chat with a message, newest first, with its unread number and its newest messages. With version or last_msg_seqs only what has changed.",
      body: SYNC,
      answers: { 200: CHATS },
      refusals: [NO_UID],
      example: {
        body: { uid: "bob", version: 0, last_msg_seqs: "", msg_count: 1 },
        answer: [
          {
            channel_id: "alice",
            channel_type: 1,
            unread: 1,
            timestamp: MESSAGE_EXAMPLE.timestamp,
            last_msg_seq: 1,
            last_client_msg_no: "order-1001",
            offset_msg_seq: 0,
            readed_to_msg_seq: 0,
            version: 1_776_840_000_123_000_000n,
            recents: [MESSAGE_EXAMPLE],
          },
        ],
      },
      handle: ({ body }) => sync(chatList, json, body),
    }),
    route({
      method: "POST",
      path: "/conversation/syncByChannels",
      tag: "Conversations",
      summary: "Some chats of a user",
      body: BY_CHANNELS,
      answers: { 200: CHATS },
      refusals: [NO_UID, NO_CHANNELS],
      handle: ({ body }) => syncByChannels(chatList, json, body),
    }),
    route({
      method: "POST",
      path: "/conversation/channels",
      tag: "Conversations",
      summary: "The channels of a user's chats, by their stored ids",
      body: OF_USER,
      answers: { 200: CHANNELS },
      refusals: [NO_UID],
      example: { body: { uid: "dave" }, answer: [{ channel_id: "group3", channel_type: 2 }] },
      handle: ({ body }) => channelsOf(deps, body),
    }),
    channelsMessagesRoute(deps),
    route({
      method: "POST",
      path: "/conversations/clearUnread",
      tag: "Conversations",
      summary: "Mark a chat as read",
      body: CHAT_KEY,
      answers: { 200: SUCCESS },
      refusals: [NO_UID, NO_CHANNEL, BAD_CHANNEL_ID],
      example: { body: { uid: "bob", channel_id: "alice", channel_type: 1 }, answer: { status: 200 } },
      handle: ({ body }) => marked(body, NO_UID, (uid, channel) => chatList.clearUnread(uid, channel)),
    }),
    route({
      method: "POST",
      path: "/conversations/setUnread",
      tag: "Conversations",
      summary: "Set a chat's unread number",
      body: UNREAD,
      answers: { 200: SUCCESS },
      refusals: [NEGATIVE, NO_UID_TO_SET, NO_CHANNEL, BAD_CHANNEL_ID],
      example: { body: { uid: "bob", channel_id: "alice", channel_type: 1, unread: 1 }, answer: { status: 200 } },
      handle: ({ body }) =>
        body.unread < 0
          ? failure(NEGATIVE)
          : marked(body, NO_UID_TO_SET, (uid, channel) => chatList.setUnread(uid, channel, body.unread)),
    }),
    route({
      method: "POST",
      path: "/conversations/delete",
      tag: "Conversations",
      summary: "Take a chat out of a user's list",
      details: "It comes back with the next message, which alone is shown and counted.",
      body: CHAT_KEY,
      answers: { 200: SUCCESS },
      refusals: [NO_UID_TO_DELETE, NO_CHANNEL, BAD_CHANNEL_ID],
      example: { body: { uid: "bob", channel_id: "alice", channel_type: 1 }, answer: { status: 200 } },
      handle: ({ body }) => marked(body, NO_UID_TO_DELETE, (uid, channel) => chatList.delete(uid, channel)),
    }),
  ];
}

async function sync(chatList: ChatList, json: ChatsJson, body: Decoded<typeof SYNC>): Promise<HttpAnswer> {
  if (body.uid === "") return failure(NO_UID);
  if (body.msg_count <= 0) return bare("[]");
  const chats = await chatList.sync({
    uid: body.uid,
    version: body.version,
    lastSeqs: lastSeqsOf(body.last_msg_seqs),
    messageCount: Math.min(body.msg_count, MESSAGE_COUNT_MAX),
    onlyUnread: body.only_unread === 1,
    excludedTypes: new Set(body.exclude_channel_types),
    page: Math.max(0, body.page),
    pageSize: body.page_size <= 0 ? PAGE_SIZE_DEFAULT : Math.min(body.page_size, PAGE_SIZE_MAX),
  });
  return bare(await json.list(chats));
}

/**
 * `id:type:seq|id:type:seq|…`. What has not three parts is passed over, a number that is none is 0, the last one counts.
 * Walked by hand: a client with 200 chats sends 5 KB of it each time it opens.
 */
function lastSeqsOf(written: string): ReadonlyMap<string, number> {
  const seqs = new Map<string, number>();
  let start = 0;
  let idEnd = 0;
  let typeEnd = 0;
  let colons = 0;
  for (let at = 0; at <= written.length; at++) {
    const code = at === written.length ? BAR : written.charCodeAt(at);
    if (code === COLON) {
      colons++;
      if (colons === 1) idEnd = at;
      else typeEnd = at;
    } else if (code === BAR) {
      if (colons === 2) {
        const type = channelTypeOf(written.slice(idEnd + 1, typeEnd));
        const seq = Math.max(0, integerOf(written.slice(typeEnd + 1, at)));
        seqs.set(channelText({ type, id: written.slice(start, idEnd) }), seq);
      }
      start = at + 1;
      colons = 0;
    }
  }
  return seqs;
}

async function syncByChannels(
  chatList: ChatList,
  json: ChatsJson,
  body: Decoded<typeof BY_CHANNELS>,
): Promise<HttpAnswer> {
  if (body.uid === "") return failure(NO_UID);
  if (body.channels === null || body.channels.length === 0) return failure(NO_CHANNELS);
  const shown = body.channels.map((channel) => ({ type: channel.channel_type, id: channel.channel_id }));
  const count = body.msg_count <= 0 ? MESSAGE_COUNT_DEFAULT : Math.min(body.msg_count, MESSAGE_COUNT_MAX);
  const chats = await chatList.forChannels(body.uid, shown, count);
  return bare(await json.list(chats));
}

/** By their stored ids. */
async function channelsOf({ chatList }: ConversationDeps, body: Decoded<typeof OF_USER>): Promise<HttpAnswer> {
  if (body.uid === "") return failure(NO_UID);
  const channels = await chatList.channelsOf(body.uid);
  return bare(writeJson(channels.map((channel) => ({ channel_id: channel.id, channel_type: channel.type }))));
}

async function marked(
  body: Decoded<typeof CHAT_KEY>,
  noUid: string,
  mark: (uid: string, channel: { readonly type: number; readonly id: string }) => Promise<void>,
): Promise<HttpAnswer> {
  if (body.uid === "") return failure(noUid);
  if (body.channel_id === "" || body.channel_type === 0) return failure(NO_CHANNEL);
  const channel = chatOf(body.uid, body.channel_id, body.channel_type);
  if (channel === undefined) return failure(BAD_CHANNEL_ID);
  await mark(body.uid, channel);
  return ok();
}
