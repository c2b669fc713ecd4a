/** The message browser for operators: stored ids, newest first. `message_id` is text here, as in the original. */
import { int64FromBigInt, int64ToText, Setting, withCommandSuffix } from "@wukong-ts/protocol";
import type { MessageId, StoredMessage } from "../../messaging/message.ts";
import type { BrowsedMessages, MessageBrowse } from "../../messaging/message-browser.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { storedLog } from "../addressing.ts";
import { BIT, listOf, shape, titled } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { LIMIT, limitOf, NO_SUCH_NODE } from "../browse-page.ts";
import {
  about,
  CHANNEL_ID,
  CLIENT_MSG_NO,
  type DecodedFields,
  INT,
  INT64,
  text,
  UID,
  UINT8,
  UINT32,
  UINT64,
} from "../json-schema.ts";
import { writeJson, writeList } from "../json-writer.ts";
import { isHere, NODE } from "../node-id.ts";
import { minuteText } from "../time-text.ts";

type MessageDeps = Pick<ApiDeps, "browsing" | "history" | "world"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const NOTHING: BrowsedMessages = { messages: [], goesOnFrom: undefined };

const QUERY = {
  channel_id: about(CHANNEL_ID, "As it is stored; with ____cmd behind it the command log. Left out: all channels."),
  channel_type: about(UINT8, "0: all."),
  from_uid: UID,
  client_msg_no: CLIENT_MSG_NO,
  message_id: INT64,
  payload: about(text(), "Base64 of bytes that the payload contains."),
  limit: LIMIT,
  offset_message_id: about(INT64, "As the page before gave it; left out: from the newest on."),
  offset_message_seq: about(INT, "The same in a channel, when channel_id and channel_type are given."),
  pre: about(INT, "1: newer messages than the offset instead."),
  node_id: NODE,
};
type Query = DecodedFields<typeof QUERY>;

const TEXT = { type: "string" };
const STORED = titled(
  "StoredMessage",
  shape({
    message_id: about(TEXT, "Digits."),
    message_seq: UINT64,
    client_msg_no: TEXT,
    timestamp: about(INT, "Seconds since 1970."),
    timestamp_format: about(TEXT, "As 2026-04-22 06:40, UTC."),
    channel_id: about(TEXT, "As it is stored."),
    channel_type: UINT8,
    topic: TEXT,
    from_uid: TEXT,
    payload: { type: "string", contentEncoding: "base64" },
    expire: about(UINT32, "Seconds; 0: never."),
    term: INT,
    is_stream: BIT,
  }),
);
const PAGE = shape({
  total: about(INT, "Of this page."),
  more: BIT,
  offset_message_id: about(TEXT, "For the next page; empty when there is none."),
  offset_message_seq: UINT64,
  data: listOf(STORED),
});

const BAD_PAYLOAD = "payload is not base64";

export function clusterMessageRoutes(deps: MessageDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/cluster/messages",
      tag: "Browsing",
      ports: BOTH_PORTS,
      summary: "The messages that are stored, newest first",
      details:
        "Those that fit all that is given. One call reads only so many: a page may hold fewer than limit and still have more behind it.",
      query: QUERY,
      answers: { 200: PAGE },
      refusals: [NO_SUCH_NODE, BAD_PAYLOAD],
      handle: ({ query }) => listMessages(deps, query),
    }),
  ];
}

async function listMessages(deps: MessageDeps, query: Query): Promise<HttpAnswer> {
  if (!isHere(query.node_id, deps.options.nodeId)) return failure(NO_SUCH_NODE);
  if (!BASE64.test(query.payload)) return failure(BAD_PAYLOAD);
  const matches = matcherOf(query, Buffer.from(query.payload, "base64"));
  const found = await browse(deps, query, matches);
  const list = await writeList(found.messages, messageJson, deps.world.timers);
  const { goesOnFrom } = found;
  const cursor = goesOnFrom === undefined ? "" : int64ToText(goesOnFrom.id);
  return bare(
    `{"total":${found.messages.length},"more":${goesOnFrom === undefined ? 0 : 1},` +
      `"offset_message_id":"${cursor}","offset_message_seq":${goesOnFrom?.seq ?? 0},"data":${list}}`,
  );
}

async function browse(
  { browsing, history }: MessageDeps,
  query: Query,
  matches: (message: StoredMessage) => boolean,
): Promise<BrowsedMessages> {
  const id = messageIdOf(query.message_id);
  if (id !== undefined) return { ...NOTHING, messages: (await history.byIds([id])).filter(matches) };
  const from = messageIdOf(query.offset_message_id);
  const { offset_message_seq: fromSeq, channel_id: channelId, channel_type: type } = query;
  const wanted: MessageBrowse = {
    // Without a place to start from there is nothing newer.
    direction: query.pre === 1 && (from !== undefined || fromSeq > 0) ? "newer" : "older",
    from,
    limit: limitOf(query.limit),
    matches,
  };
  if (channelId === "" || type === 0) return browsing.messages.all(wanted);
  const place = fromSeq > 0 || from === undefined ? undefined : (await history.byIds([from])).at(0);
  return browsing.messages.log(storedLog(channelId, type), fromSeq || (place?.seq ?? 0), wanted);
}

function matcherOf(query: Query, payload: Buffer): (message: StoredMessage) => boolean {
  const { from_uid: fromUid, client_msg_no: clientMsgNo, channel_id: channelId, channel_type: type } = query;
  return (message) =>
    (fromUid === "" || message.fromUid === fromUid) &&
    (clientMsgNo === "" || message.clientMsgNo === clientMsgNo) &&
    (channelId === "" || storedId(message) === channelId) &&
    (type === 0 || message.channel.type === type) &&
    (payload.length === 0 || Buffer.from(message.payload).includes(payload));
}

function messageIdOf(value: bigint): MessageId | undefined {
  return value <= 0n ? undefined : int64FromBigInt(value);
}

/** With the suffix of the command log. */
function storedId({ channel, log }: StoredMessage): string {
  return log === "command" ? withCommandSuffix(channel.id) : channel.id;
}

function messageJson(message: StoredMessage): string {
  return writeJson({
    message_id: int64ToText(message.id),
    message_seq: message.seq,
    client_msg_no: message.clientMsgNo,
    timestamp: message.timeSeconds,
    timestamp_format: minuteText(message.timeSeconds * 1000),
    channel_id: storedId(message),
    channel_type: message.channel.type,
    topic: message.topic,
    from_uid: message.fromUid,
    payload: Buffer.from(message.payload).toString("base64"),
    expire: message.expireSeconds,
    term: 1,
    is_stream: (message.setting & Setting.stream) === 0 ? 0 : 1,
  });
}
