/** Single messages by seq, id or client number. What is not there is HTTP 200 with status 404, or left out of a list. */
import { int64FromBigInt } from "@wukong-ts/protocol";
import type { StoredMessage } from "../../messaging/message.ts";
import { CLIENT_MSG_NO_BYTES_MAX, fits } from "../../messaging/valid-ids.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { isPerson, type LogAddress, readLog, storedLog } from "../addressing.ts";
import { bare, failure, statusOnly } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormat, channelTypeOf, get, post } from "../api-route.ts";
import { isBlank, queryIdProblem } from "../id-checks.ts";
import { array, CHANNEL_ID, CLIENT_MSG_NO, type Decoded, INT64, object, UID, UINT8, UINT32 } from "../json-schema.ts";
import { writeList } from "../json-writer.ts";
import { messageJson } from "../message-json.ts";

type MessageDeps = Pick<ApiDeps, "history" | "world">;

const ITEMS_MAX = 10_000;

const MANY = object("messagesReq", {
  login_uid: UID,
  channel_id: CHANNEL_ID,
  channel_type: UINT8,
  message_seqs: array(UINT32, ITEMS_MAX),
  message_ids: array(INT64, ITEMS_MAX),
  client_msg_nos: array(CLIENT_MSG_NO, ITEMS_MAX),
});
const ONE = object("messageReq", {
  login_uid: UID,
  channel_id: CHANNEL_ID,
  channel_type: UINT8,
  message_id: INT64,
  client_msg_no: CLIENT_MSG_NO,
});

const NOT_FOUND = 404;

export function messageRoutes(deps: MessageDeps): readonly ApiRoute[] {
  return [
    post("/messages", MANY, (body) => many(deps, body), badFormat),
    post("/message", ONE, (body) => one(deps, body), badFormat),
    get("/message/byclientmsgno", (request) => byClientMsgNo(deps, request)),
  ];
}

/** By seq, then by id, then by client number, each as asked; one that is asked for twice comes twice. */
async function many({ history, world }: MessageDeps, body: Decoded<typeof MANY>): Promise<HttpAnswer> {
  if (isBlank(body.channel_id)) return failure("channel_id不能为空！");
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
  if (isBlank(body.channel_id)) return failure("channel_id不能为空！");
  if (body.channel_type === 0) return failure("channel_type不能为0");
  if (isPerson(body.channel_type) && isBlank(body.login_uid)) return failure("login_uid不能为空！");
  const address = readLog(body.login_uid, body.channel_id, body.channel_type);
  const message =
    body.message_id === 0n
      ? (await byNumbers(history, address, [body.client_msg_no])).at(0)
      : (await history.byIds([int64FromBigInt(body.message_id)])).at(0);
  return messageOr404(message);
}

/** Takes the stored id of a person chat. */
async function byClientMsgNo({ history }: MessageDeps, request: HttpRequest): Promise<HttpAnswer> {
  const id = request.query["channel_id"] ?? "";
  const type = channelTypeOf(request.query["channel_type"]);
  const clientMsgNo = request.query["client_msg_no"] ?? "";
  if (isBlank(id)) return failure("channel_id不能为空");
  if (type === 0) return failure("channel_type不能为0");
  if (isBlank(clientMsgNo)) return failure("client_msg_no不能为空");
  const problem = queryIdProblem(id);
  if (problem !== undefined) return failure(problem);
  if (!fits(clientMsgNo, CLIENT_MSG_NO_BYTES_MAX)) return statusOnly(NOT_FOUND);
  return messageOr404((await byNumbers(history, storedLog(id, type), [clientMsgNo])).at(0));
}

function messageOr404(message: StoredMessage | undefined): HttpAnswer {
  return message === undefined ? statusOnly(NOT_FOUND) : bare(messageJson(message));
}
