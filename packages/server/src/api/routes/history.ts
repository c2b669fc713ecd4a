/** Pages of a channel's log, and its end. Anyone may read any channel, as in the original. */
import type { HttpAnswer } from "../../world/world.ts";
import { isPerson, readLog, storedLog } from "../addressing.ts";
import { shape } from "../answer-schema.ts";
import { bare, failure, statusOnly } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { isBlank } from "../id-checks.ts";
import {
  about,
  CHANNEL_ID,
  type Decoded,
  type DecodedFields,
  INT,
  object,
  text,
  UID,
  UINT8,
  UINT64,
} from "../json-schema.ts";
import { writeList } from "../json-writer.ts";
import { MESSAGE_EXAMPLE, MESSAGE_OR_404, MESSAGE_PAGE, messageJson } from "../message-json.ts";

type HistoryDeps = Pick<ApiDeps, "history" | "world">;

const PAGE = object(
  "channelMessageSyncReq",
  {
    login_uid: about(UID, "Who reads."),
    channel_id: about(CHANNEL_ID, "For a person (type 1) his uid."),
    channel_type: UINT8,
    start_message_seq: about(UINT64, "Where the page begins, itself included. 0 with end 0: the newest messages."),
    end_message_seq: about(UINT64, "Where it ends, itself not included; 0: nowhere."),
    limit: about(INT, "0 is 100; at most 10,000."),
    pull_mode: about(INT, "0: from the start towards older messages; 1: towards newer ones."),
    event_summary_mode: about(text(), "Not used."),
  },
  ["login_uid", "channel_id"],
);

const CHANNEL_QUERY = {
  channel_id: about(CHANNEL_ID, "For a person (type 1) his uid; /channel/max_message_seq takes the stored id too."),
  channel_type: UINT8,
  login_uid: about(UID, "Who reads; needed with the uid of a person."),
};

const NO_CHANNEL = "channel_id不能为空！";
const NO_READER = "login_uid不能为空！";
/** The same in the words of the GET routes. */
const QUERY_REFUSALS = { noChannel: "channel_id不能为空", noReader: "login_uid不能为空" };

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;
const PULL_UP = 1;
const NOT_FOUND = 404;

export function historyRoutes(deps: HistoryDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/channel/messagesync",
      tag: "Messages",
      summary: "A page of a channel's messages",
      details: "In ascending order of message_seq, whatever the direction. more is 1 when there may be more.",
      body: PAGE,
      answers: { 200: MESSAGE_PAGE },
      refusals: [NO_CHANNEL, NO_READER],
      example: {
        body: { login_uid: "bob", channel_id: "alice", channel_type: 1, limit: 20 },
        answer: { start_message_seq: 0, end_message_seq: 0, more: 0, messages: [MESSAGE_EXAMPLE] },
      },
      handle: ({ body }) => page(deps, body),
    }),
    route({
      method: "GET",
      path: "/channel/max_message_seq",
      tag: "Messages",
      summary: "The seq of a channel's last message",
      query: CHANNEL_QUERY,
      answers: { 200: shape({ message_seq: UINT64 }) },
      refusals: Object.values(QUERY_REFUSALS),
      example: {
        query: "?login_uid=alice&channel_id=bob&channel_type=1",
        answer: { message_seq: 1 },
      },
      handle: ({ query }) => maxSeq(deps, query),
    }),
    route({
      method: "GET",
      path: "/channel/last_message",
      tag: "Messages",
      summary: "A channel's last message",
      details: "A channel without messages is HTTP 200 with status 404.",
      query: CHANNEL_QUERY,
      answers: { 200: MESSAGE_OR_404 },
      refusals: Object.values(QUERY_REFUSALS),
      example: { query: "?login_uid=bob&channel_id=alice&channel_type=1", answer: MESSAGE_EXAMPLE },
      handle: ({ query }) => lastMessage(deps, query),
    }),
  ];
}

async function page({ history, world }: HistoryDeps, body: Decoded<typeof PAGE>): Promise<HttpAnswer> {
  if (isBlank(body.channel_id)) return failure(NO_CHANNEL);
  if (isBlank(body.login_uid)) return failure(NO_READER);
  const address = readLog(body.login_uid, body.channel_id, body.channel_type);
  const limit = body.limit <= 0 ? LIMIT_DEFAULT : Math.min(body.limit, LIMIT_MAX);
  const { messages, isCut } =
    address === undefined
      ? { messages: [], isCut: false }
      : await history.page({
          ...address,
          startSeq: seqOf(body.start_message_seq),
          endSeq: seqOf(body.end_message_seq),
          limit,
          direction: body.pull_mode === PULL_UP ? "up" : "down",
        });
  const more = messages.length >= limit || isCut ? 1 : 0;
  const list = await writeList(messages, messageJson, world.timers);
  return bare(
    `{"start_message_seq":${body.start_message_seq},"end_message_seq":${body.end_message_seq},"more":${more},"messages":${list}}`,
  );
}

/** No log gets that far; beyond, all are equally far. */
function seqOf(seq: bigint): number {
  return seq > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(seq);
}

function maxSeq({ history }: HistoryDeps, query: DecodedFields<typeof CHANNEL_QUERY>): HttpAnswer {
  const { channel_id: id, channel_type: type, login_uid: loginUid } = query;
  if (isBlank(id)) return failure(QUERY_REFUSALS.noChannel);
  const isStoredId = !isPerson(type) || id.includes("@");
  if (!isStoredId && isBlank(loginUid)) return failure(QUERY_REFUSALS.noReader);
  const address = isStoredId ? storedLog(id, type) : readLog(loginUid, id, type);
  const seq = address === undefined ? 0 : history.head(address.channel, address.log).seq;
  return bare(`{"message_seq":${seq}}`);
}

async function lastMessage({ history }: HistoryDeps, query: DecodedFields<typeof CHANNEL_QUERY>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type, login_uid: loginUid } = query;
  if (isBlank(id)) return failure(QUERY_REFUSALS.noChannel);
  if (isPerson(type) && isBlank(loginUid)) return failure(QUERY_REFUSALS.noReader);
  const address = readLog(loginUid, id, type);
  if (address === undefined) return statusOnly(NOT_FOUND);
  const last = (await history.newest(address.channel, address.log, 0, 1)).at(-1);
  return last === undefined ? statusOnly(NOT_FOUND) : bare(messageJson(last));
}
