/** A user's chats: the list, single chats, and the marks he sets. The error texts are the original's, differences included. */
import type { ChatList } from "../../messaging/chat-list.ts";
import { channelText } from "../../messaging/message.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { chatOf } from "../addressing.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, channelTypeOf, integerOf, post } from "../api-route.ts";
import { ChatsJson } from "../chat-json.ts";
import { BAD_CHANNEL_ID } from "../id-checks.ts";
import { array, CHANNEL_ID, type Decoded, INT, INT64, object, text, UID, UINT8 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { channelsMessagesRoute } from "./channels-messages.ts";

type ConversationDeps = Pick<ApiDeps, "chatList" | "history" | "conversations" | "world">;

/** All chats of a very full list, 50 characters each. */
const LAST_SEQS_BYTES_MAX = 4_194_304;

const SYNC = object("syncUserConversationReq", {
  uid: UID,
  version: INT64,
  last_msg_seqs: text(LAST_SEQS_BYTES_MAX),
  msg_count: INT,
  only_unread: INT,
  exclude_channel_types: array(UINT8),
  page: INT,
  page_size: INT,
});
const BY_CHANNELS = object("syncByChannelsReq", {
  uid: UID,
  channels: array(object("channelReq", { channel_id: CHANNEL_ID, channel_type: UINT8 }), 10_000),
  msg_count: INT,
});
const OF_USER = object("conversationChannelsReq", { uid: UID });
const CHAT = object("conversationReq", { uid: UID, channel_id: CHANNEL_ID, channel_type: UINT8 });
const UNREAD = object("setUnreadReq", { ...CHAT.properties, unread: INT });

const PAGE_SIZE_DEFAULT = 100;
const PAGE_SIZE_MAX = 500;
const MESSAGE_COUNT_DEFAULT = 15;
const MESSAGE_COUNT_MAX = 10_000;

const BAR = 0x7c;
const COLON = 0x3a;

const NO_UID = "uid cannot be empty";
const NO_CHANNEL = "channel_id or channel_type cannot be empty";

export function conversationRoutes(deps: ConversationDeps): readonly ApiRoute[] {
  const { chatList } = deps;
  const json = new ChatsJson(deps.world.timers);
  return [
    post("/conversation/sync", SYNC, (body) => sync(chatList, json, body)),
    post("/conversation/syncByChannels", BY_CHANNELS, (body) => syncByChannels(chatList, json, body)),
    post("/conversation/channels", OF_USER, (body) => channelsOf(deps, body)),
    channelsMessagesRoute(deps),
    post("/conversations/clearUnread", CHAT, (body) =>
      marked(body, NO_UID, (uid, channel) => chatList.clearUnread(uid, channel)),
    ),
    post("/conversations/setUnread", UNREAD, (body) =>
      body.unread < 0
        ? failure("unread cannot be negative")
        : marked(body, "UID cannot be empty", (uid, channel) => chatList.setUnread(uid, channel, body.unread)),
    ),
    post("/conversations/delete", CHAT, (body) =>
      marked(body, "Uid cannot be empty", (uid, channel) => chatList.delete(uid, channel)),
    ),
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
  if (body.channels === null || body.channels.length === 0) return failure("channels cannot be empty");
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
  body: Decoded<typeof CHAT>,
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
