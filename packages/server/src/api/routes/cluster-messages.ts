/** The message browser for operators: stored ids, newest first. `message_id` is text here, as in the original. */
import { int64FromBigInt, int64ToText, Setting, withCommandSuffix } from "@wukong-ts/protocol";
import type { MessageId, StoredMessage } from "../../messaging/message.ts";
import type { BrowsedMessages, MessageBrowse } from "../../messaging/message-browser.ts";
import { CHANNEL_ID_BYTES_MAX, fits } from "../../messaging/valid-ids.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { storedLog } from "../addressing.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, channelTypeOf, get, integerOf } from "../api-route.ts";
import { limitOf } from "../browse-page.ts";
import { writeJson, writeList } from "../json-writer.ts";
import { minuteText } from "../time-text.ts";

type MessageDeps = Pick<ApiDeps, "browsing" | "history" | "world"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};
type Query = HttpRequest["query"];

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const INT64_MAX = (1n << 63n) - 1n;
const NOTHING: BrowsedMessages = { messages: [], goesOnFrom: undefined };

export function clusterMessageRoutes(deps: MessageDeps): readonly ApiRoute[] {
  return [get("/cluster/messages", (request) => listMessages(deps, request))];
}

async function listMessages(deps: MessageDeps, { query }: HttpRequest): Promise<HttpAnswer> {
  const node = integerOf(query["node_id"]);
  if (node !== 0 && node !== deps.options.nodeId) return failure("节点不存在！");
  if (!fits(query["channel_id"] ?? "", CHANNEL_ID_BYTES_MAX)) return failure("channel_id is too long");
  const payload = query["payload"] ?? "";
  if (!BASE64.test(payload)) return failure("payload is not base64");
  const matches = matcherOf(query, Buffer.from(payload, "base64"));
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
  const id = messageIdOf(query["message_id"]);
  if (id !== undefined) return { ...NOTHING, messages: (await history.byIds([id])).filter(matches) };
  const from = messageIdOf(query["offset_message_id"]);
  const fromSeq = integerOf(query["offset_message_seq"]);
  const wanted: MessageBrowse = {
    // Without a place to start from there is nothing newer.
    direction: query["pre"] === "1" && (from !== undefined || fromSeq > 0) ? "newer" : "older",
    from,
    limit: limitOf(query),
    matches,
  };
  const channelId = query["channel_id"] ?? "";
  const type = channelTypeOf(query["channel_type"]);
  if (channelId === "" || type === 0) return browsing.messages.all(wanted);
  const place = fromSeq > 0 || from === undefined ? undefined : (await history.byIds([from])).at(0);
  return browsing.messages.log(storedLog(channelId, type), fromSeq || (place?.seq ?? 0), wanted);
}

function matcherOf(query: Query, payload: Buffer): (message: StoredMessage) => boolean {
  const fromUid = query["from_uid"] ?? "";
  const clientMsgNo = query["client_msg_no"] ?? "";
  const channelId = query["channel_id"] ?? "";
  const type = channelTypeOf(query["channel_type"]);
  return (message) =>
    (fromUid === "" || message.fromUid === fromUid) &&
    (clientMsgNo === "" || message.clientMsgNo === clientMsgNo) &&
    (channelId === "" || storedId(message) === channelId) &&
    (type === 0 || message.channel.type === type) &&
    (payload.length === 0 || Buffer.from(message.payload).includes(payload));
}

function messageIdOf(text: string | undefined): MessageId | undefined {
  if (text === undefined || !/^[0-9]{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value === 0n || value > INT64_MAX ? undefined : int64FromBigInt(value);
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
