/**
 * Sends by the back end. Unlike the original's, an answer comes after the commit and says what became of the message;
 * what the original dropped without a word is still HTTP 200, with a `reason` that is not 1.
 */
import { fnv1a64, HeaderFlag, int64ToText, Reason, Setting, SYSTEM_UID, withCommandSuffix } from "@wukong-ts/protocol";
import type { ChannelKey } from "../../messaging/message.ts";
import type { Sending, SendRequest, SendResult } from "../../messaging/send.ts";
import { hasSpecialCharacters } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { isStoredAgentId, openedBy } from "../addressing.ts";
import { eitherOf, listOf, SUCCESS, shape } from "../answer-schema.ts";
import { bare, data, failure, ok, tooBusy, tooMany } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { BAD_CHANNEL_ID, isBlank, uidProblem, uidsProblem } from "../id-checks.ts";
import {
  about,
  array,
  BYTES,
  CHANNEL_ID,
  CLIENT_MSG_NO,
  type Decoded,
  INT,
  INT64,
  object,
  UID,
  UINT8,
  UINT32,
  UINT64,
} from "../json-schema.ts";
import { writeJson, writeText } from "../json-writer.ts";

type SendDeps = Pick<ApiDeps, "sending" | "channels" | "history" | "options" | "world">;

const HEADER = object("MessageHeader", {
  no_persist: about(INT, "1: delivered to who is online, not stored."),
  red_dot: about(INT, "1: counts as unread."),
  sync_once: about(INT, "1: a command. It goes into the channel's command log, which /message/sync hands out."),
});
const PAYLOAD = about(BYTES, "Any bytes, in base64.");
const SEND = object(
  "messageSendReq",
  {
    header: HEADER,
    client_msg_no: about(
      CLIENT_MSG_NO,
      "Names the message, so that a retry is answered with the first id and seq. Blank: a new one is made.",
    ),
    is_stream: about(INT, "1: the message is the head of a stream."),
    from_uid: about(UID, "Who speaks; blank: the system account."),
    channel_id: about(CHANNEL_ID, "For a person (type 1) his uid."),
    channel_type: UINT8,
    expire: about(UINT32, "Seconds after which the message is neither shown nor counted; 0: never."),
    subscribers: about(array(UID), "Instead of a channel: a command to exactly these users. Needs sync_once."),
    payload: PAYLOAD,
  },
  ["payload"],
);
const SEND_BATCH = object(
  "messageSendBatchReq",
  { header: HEADER, from_uid: UID, subscribers: about(array(UID), "One person message to each."), payload: PAYLOAD },
  ["from_uid", "subscribers", "payload"],
);

const SENT = shape({
  data: shape({
    client_msg_no: CLIENT_MSG_NO,
    message_id: INT64,
    message_seq: about(UINT64, "0: not stored."),
    reason: about(UINT8, "1: accepted. Others: refused, 19 because the channel is banned, 24 because it is disbanded."),
  }),
  status: { const: 200 },
});
const BATCH_SENT = shape({
  fail_uids: listOf(about({ type: "string" }, "Who got no message.")),
  reason: listOf(about({ type: "string" }, "Why, in the same order.")),
});

const PERSON = 1;
const TEMPORARY = 8;
/** Handed over at once; the next ones follow when these are answered, so one call cannot fill the commit queue. */
const BATCH_PART = 500;

const NO_PAYLOAD = "payload不能为空！";
const IMPOSSIBLE = "无法处理发送消息请求！";

export function sendRoutes(deps: SendDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/message/send",
      tag: "Messages",
      summary: "Send a message",
      details:
        "Answers after the message is durable. A message that the channel refuses is HTTP 200 with a reason other than 1; 503 means that nothing was stored and the call may be repeated. A call with subscribers is answered with the status alone.",
      body: SEND,
      answers: { 200: eitherOf(SENT, SUCCESS) },
      example: {
        body: {
          header: { red_dot: 1 },
          client_msg_no: "order-1001",
          from_uid: "alice",
          channel_id: "bob",
          channel_type: 1,
          payload: "eyJ0eXBlIjoxLCJjb250ZW50IjoiaGVsbG8ifQ==",
        },
        answer: {
          data: { client_msg_no: "order-1001", message_id: 1_914_637_450_395_648_001n, message_seq: 1, reason: 1 },
          status: 200,
        },
      },
      handle: ({ body }) => send(deps, body),
    }),
    route({
      method: "POST",
      path: "/message/sendbatch",
      tag: "Messages",
      summary: "Send one person message to each of many users",
      body: SEND_BATCH,
      answers: { 200: BATCH_SENT },
      example: {
        body: {
          header: { red_dot: 1 },
          from_uid: "alice",
          subscribers: ["bob", "carol"],
          payload: "eyJ0eXBlIjoxLCJjb250ZW50IjoiaGVsbG8ifQ==",
        },
        answer: { fail_uids: [], reason: [] },
      },
      handle: ({ body }) => sendBatch(deps, body),
    }),
  ];
}

async function send(deps: SendDeps, body: Decoded<typeof SEND>): Promise<HttpAnswer> {
  const subscribers = body.subscribers ?? [];
  const fromUid = isBlank(body.from_uid) ? SYSTEM_UID : body.from_uid;
  const problem = sendProblem(deps, body, subscribers) ?? uidProblem(fromUid);
  if (problem !== undefined) return failure(problem);
  if (subscribers.length > 0) return sendToSubscribers(deps, body, fromUid, subscribers);
  const addressedTo = openedBy(deps.history, addressOf(body), fromUid);
  const clientMsgNo = isBlank(body.client_msg_no) ? newClientMsgNo(deps) : body.client_msg_no;
  return sent(clientMsgNo, await sendOne(deps.sending, { ...requestOf(body, fromUid, addressedTo), clientMsgNo }));
}

function sendProblem(deps: SendDeps, body: Decoded<typeof SEND>, subscribers: readonly string[]): string | undefined {
  if (body.payload.length === 0) return NO_PAYLOAD;
  const hasChannel = !isBlank(body.channel_id);
  const hasSubscribers = subscribers.length > 0;
  if (hasChannel === hasSubscribers) return IMPOSSIBLE;
  if (hasSubscribers && body.header.sync_once !== 1) return IMPOSSIBLE;
  if (hasChannel && hasSpecialCharacters(body.channel_id) && !isStoredAgentId(addressOf(body))) return BAD_CHANNEL_ID;
  return payloadProblem(deps, body.payload);
}

function addressOf(body: Decoded<typeof SEND>): ChannelKey {
  return { type: body.channel_type, id: body.channel_id };
}

function payloadProblem({ options }: SendDeps, payload: Uint8Array): string | undefined {
  if (payload.length <= options.payloadBytesMax) return undefined;
  return `payload is larger than ${options.payloadBytesMax} bytes`;
}

/**
 * A command to exactly these users. Kept, it goes into a temporary channel of theirs, so that whoever is offline finds
 * it; not kept, it is pushed to who is online. The caller's own client number is not used, as in the original.
 */
async function sendToSubscribers(
  deps: SendDeps,
  body: Decoded<typeof SEND>,
  fromUid: string,
  subscribers: readonly string[],
): Promise<HttpAnswer> {
  const problem = uidsProblem(subscribers, "subscribers不能为空！");
  if (problem !== undefined) return failure(problem);
  const isKept = body.header.no_persist !== 1;
  const id = isKept ? fnv1a64(subscribers.join(",")).toString() : deps.options.onlineCommandChannelId;
  const channel = { type: TEMPORARY, id };
  if (isKept) await deps.channels.addMembers(channel, subscribers, { reset: false });
  const result = await sendOne(deps.sending, {
    // RECV names a kept one by its log's id, as in the original.
    ...requestOf(body, fromUid, isKept ? { ...channel, id: withCommandSuffix(id) } : channel),
    clientMsgNo: newClientMsgNo(deps),
    ...(isKept ? undefined : { receivers: [...new Set(subscribers)] }),
  });
  return failureOf(result) ?? ok();
}

/** One person message to each, all independent of each other. */
async function sendBatch(deps: SendDeps, body: Decoded<typeof SEND_BATCH>): Promise<HttpAnswer> {
  const subscribers = body.subscribers ?? [];
  if (isBlank(body.from_uid)) return failure("from_uid不能为空！");
  if (subscribers.length === 0) return failure("subscribers不能为空！");
  if (body.payload.length === 0) return failure(NO_PAYLOAD);
  const problem = payloadProblem(deps, body.payload) ?? uidProblem(body.from_uid);
  if (problem !== undefined) return failure(problem);
  const failUids: string[] = [];
  const reasons: string[] = [];
  let unavailable: HttpAnswer | undefined;
  let isAnySent = false;
  for (let from = 0; from < subscribers.length; from += BATCH_PART) {
    const part = subscribers.slice(from, from + BATCH_PART);
    const outcomes = await Promise.all(part.map((uid) => sendToPerson(deps, body, uid)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === undefined) isAnySent = true;
      else {
        failUids.push(part[index] ?? "");
        reasons.push(outcome.text);
        unavailable ??= outcome.unavailable;
      }
    }
  }
  // A 503 asks for the call again: only right when nobody has got the message.
  if (unavailable !== undefined && !isAnySent) return unavailable;
  return bare(writeJson({ fail_uids: failUids, reason: reasons }));
}

/** undefined: sent. */
async function sendToPerson(
  deps: SendDeps,
  body: Decoded<typeof SEND_BATCH>,
  uid: string,
): Promise<{ readonly text: string; readonly unavailable: HttpAnswer | undefined } | undefined> {
  if (uidProblem(uid) !== undefined) return { text: BAD_CHANNEL_ID, unavailable: undefined };
  const request = requestOf(body, body.from_uid, { type: PERSON, id: uid });
  const result = await sendOne(deps.sending, { ...request, clientMsgNo: newClientMsgNo(deps) });
  if (result.reason === Reason.success) return undefined;
  const unavailable = isUnavailable(result) ? failureOf(result) : undefined;
  return { text: `refused with reason ${result.reason}`, unavailable };
}

interface SendBody {
  readonly header: Decoded<typeof HEADER>;
  readonly payload: Uint8Array;
  readonly is_stream?: number;
  readonly expire?: number;
}

function requestOf(body: SendBody, fromUid: string, addressedTo: ChannelKey): Omit<SendRequest, "clientMsgNo"> {
  const { header } = body;
  return {
    origin: "server",
    session: 0,
    fromUid,
    addressedTo,
    clientSeq: 0,
    flags:
      (header.no_persist === 1 ? HeaderFlag.noPersist : 0) |
      (header.red_dot === 1 ? HeaderFlag.redDot : 0) |
      (header.sync_once === 1 ? HeaderFlag.syncOnce : 0),
    setting: body.is_stream === 1 ? Setting.stream : 0,
    expireSeconds: body.expire ?? 0,
    topic: "",
    payload: body.payload,
  };
}

function sendOne(sending: Sending, request: SendRequest): Promise<SendResult> {
  return new Promise((resolve) => sending.send([request], { answered: (_, result) => resolve(result) }));
}

function sent(clientMsgNo: string, result: SendResult): HttpAnswer {
  const failed = failureOf(result);
  if (failed !== undefined) return failed;
  return data(
    `{"client_msg_no":${writeText(clientMsgNo)},"message_id":${int64ToText(result.id)},` +
      `"message_seq":${result.seq},"reason":${result.reason}}`,
  );
}

/** The reasons that the caller has to act on; all others are part of a success. */
function failureOf(result: SendResult): HttpAnswer | undefined {
  switch (result.reason) {
    case Reason.systemError:
      return tooBusy("the message could not be stored, try again");
    case Reason.rateLimit:
      return result.retryAfterMs === undefined
        ? tooBusy("too many messages are waiting, try again")
        : tooMany("too many messages, try again later", result.retryAfterMs);
    case Reason.idempotencyConflict:
      return failure("client_msg_no was used for another payload");
    case Reason.channelIdError:
      return failure(BAD_CHANNEL_ID);
    default:
      return undefined;
  }
}

function isUnavailable(result: SendResult): boolean {
  return result.reason === Reason.systemError || result.reason === Reason.rateLimit;
}

/** Of the original's form: 32 hex digits and a 0. */
function newClientMsgNo({ world }: SendDeps): string {
  return `${Buffer.from(world.random.bytes(16)).toString("hex")}0`;
}
