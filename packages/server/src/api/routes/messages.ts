/** Single messages by seq, id or client number. What is not there is HTTP 200 with status 404, or left out of a list. */
import { int64FromBigInt } from "@wukong-ts/protocol";
import type { StoredMessage } from "../../messaging/message.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { isPerson, type LogAddress, readLog, storedLog } from "../addressing.ts";
import { bare, failure, statusOnly } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormat, route } from "../api-route.ts";
import { isBlank } from "../id-checks.ts";
import {
  about,
  array,
  CHANNEL_ID,
  CLIENT_MSG_NO,
  type Decoded,
  type DecodedFields,
  INT64,
  object,
  UID,
  UINT8,
  UINT32,
} from "../json-schema.ts";
import { writeList } from "../json-writer.ts";
import { MESSAGE_EXAMPLE, MESSAGE_OR_404, MESSAGE_PAGE, messageJson } from "../message-json.ts";

type MessageDeps = Pick<ApiDeps, "history" | "world">;

const ITEMS_MAX = 10_000;

const CHANNEL = {
  login_uid: about(UID, "Who reads; needed for a person (type 1)."),
  channel_id: about(CHANNEL_ID, "For a person (type 1) his uid."),
  channel_type: UINT8,
};
const MANY = object(
  "messagesReq",
  {
    ...CHANNEL,
    message_seqs: array(UINT32, ITEMS_MAX),
    message_ids: about(array(INT64, ITEMS_MAX), "Looked up in all channels."),
    client_msg_nos: array(CLIENT_MSG_NO, ITEMS_MAX),
  },
  ["channel_id"],
);
const ONE = object(
  "messageReq",
  {
    ...CHANNEL,
    message_id: about(INT64, "Looked up in all channels. 0: by client_msg_no."),
    client_msg_no: CLIENT_MSG_NO,
  },
  ["channel_id", "channel_type"],
);
const BY_NUMBER = {
  channel_id: about(CHANNEL_ID, "The stored id: of two persons uid@uid."),
  channel_type: UINT8,
  client_msg_no: CLIENT_MSG_NO,
};

const NO_CHANNEL = "channel_id不能为空！";
const NO_READER = "login_uid不能为空！";
/** Without ！ also in the words of the GET route. */
const NO_TYPE = "channel_type不能为0";
const NO_CHANNEL_IN_QUERY = "channel_id不能为空";
const NO_NUMBER = "client_msg_no不能为空";

const NOT_FOUND = 404;

export function messageRoutes(deps: MessageDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/messages",
      tag: "Messages",
      summary: "Messages by seq, id or client number",
      details:
        "In the order in which they are asked for; what is not there is left out. The other fields are always 0.",
      body: MANY,
      badBody: badFormat,
      answers: { 200: MESSAGE_PAGE },
      refusals: [NO_CHANNEL],
      example: {
        body: { login_uid: "bob", channel_id: "alice", channel_type: 1, message_seqs: [1] },
        answer: { start_message_seq: 0, end_message_seq: 0, more: 0, messages: [MESSAGE_EXAMPLE] },
      },
      handle: ({ body }) => many(deps, body),
    }),
    route({
      method: "POST",
      path: "/message",
      tag: "Messages",
      summary: "One message by id or client number",
      details: "A message that is not there is HTTP 200 with status 404.",
      body: ONE,
      badBody: badFormat,
      answers: { 200: MESSAGE_OR_404 },
      refusals: [NO_CHANNEL, NO_TYPE, NO_READER],
      example: {
        body: { login_uid: "bob", channel_id: "alice", channel_type: 1, client_msg_no: "order-1001" },
        answer: MESSAGE_EXAMPLE,
      },
      handle: ({ body }) => one(deps, body),
    }),
    route({
      method: "GET",
      path: "/message/byclientmsgno",
      tag: "Messages",
      summary: "One message by client number, in a channel named by its stored id",
      details: "A message that is not there is HTTP 200 with status 404.",
      query: BY_NUMBER,
      answers: { 200: MESSAGE_OR_404 },
      refusals: [NO_CHANNEL_IN_QUERY, NO_TYPE, NO_NUMBER],
      example: { query: "?channel_id=group1&channel_type=2&client_msg_no=nothing", answer: { status: 404 } },
      handle: ({ query }) => byClientMsgNo(deps, query),
    }),
  ];
}

/** By seq, then by id, then by client number, each as asked; one that is asked for twice comes twice. */
async function many({ history, world }: MessageDeps, body: Decoded<typeof MANY>): Promise<HttpAnswer> {
  if (isBlank(body.channel_id)) return failure(NO_CHANNEL);
  const address = readLog(body.login_uid, body.channel_id, body.channel_type);
  const found = [
    ...(await bySeqs(history, address, body.message_seqs ?? [])),
    ...(await history.byIds((body.message_ids ?? []).map(int64FromBigInt))),
    ...(await byNumbers(history, address, body.client_msg_nos ?? [])),
  ];
  const list = await writeList(found, messageJson, world.timers);
  return bare(`{"start_message_seq":0,"end_message_seq":0,"more":0,"messages":${list}}`);
}

async function bySeqs(
  history: MessageDeps["history"],
  address: LogAddress | undefined,
  seqs: readonly number[],
): Promise<readonly StoredMessage[]> {
  if (address === undefined || seqs.length === 0) return [];
  const messages = await history.bySeqs(address.channel, address.log, [...new Set(seqs)]);
  const atSeq = new Map(messages.map((message) => [message.seq, message]));
  return seqs.flatMap((seq) => atSeq.get(seq) ?? []);
}

async function byNumbers(
  history: MessageDeps["history"],
  address: LogAddress | undefined,
  clientMsgNos: readonly string[],
): Promise<readonly StoredMessage[]> {
  if (address === undefined || clientMsgNos.length === 0) return [];
  const ofNumber = await history.byClientMsgNos(address.channel, address.log, clientMsgNos);
  return clientMsgNos.flatMap((clientMsgNo) => ofNumber.get(clientMsgNo) ?? []);
}

/** An id is looked up in all channels, as in the original. */
async function one({ history }: MessageDeps, body: Decoded<typeof ONE>): Promise<HttpAnswer> {
  if (isBlank(body.channel_id)) return failure(NO_CHANNEL);
  if (body.channel_type === 0) return failure(NO_TYPE);
  if (isPerson(body.channel_type) && isBlank(body.login_uid)) return failure(NO_READER);
  const address = readLog(body.login_uid, body.channel_id, body.channel_type);
  const message =
    body.message_id === 0n
      ? (await byNumbers(history, address, [body.client_msg_no])).at(0)
      : (await history.byIds([int64FromBigInt(body.message_id)])).at(0);
  return messageOr404(message);
}

/** Takes the stored id of a person chat. */
async function byClientMsgNo({ history }: MessageDeps, query: DecodedFields<typeof BY_NUMBER>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type, client_msg_no: clientMsgNo } = query;
  if (isBlank(id)) return failure(NO_CHANNEL_IN_QUERY);
  if (type === 0) return failure(NO_TYPE);
  if (isBlank(clientMsgNo)) return failure(NO_NUMBER);
  return messageOr404((await byNumbers(history, storedLog(id, type), [clientMsgNo])).at(0));
}

function messageOr404(message: StoredMessage | undefined): HttpAnswer {
  return message === undefined ? statusOnly(NOT_FOUND) : bare(messageJson(message));
}
