/** Why a user got a message, or did not. Tells facts about the message, never what is in it. */
import { int64FromBigInt, int64ToText } from "@wukong-ts/protocol";
import { internalKey, kindOf } from "../../messaging/channel-kinds.ts";
import type { ChannelKey } from "../../messaging/message.ts";
import type { Explanation, MessageName } from "../../observe/explainer.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { isPerson, storedLog } from "../addressing.ts";
import { BIT, eitherOf, listOf, shape, titled } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { BLANK_UID, isBlank } from "../id-checks.ts";
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
  UINT64,
} from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { MESSAGE_EXAMPLE } from "../message-json.ts";

type ExplainDeps = Pick<ApiDeps, "explainer">;

const ID_TEXT = /^[0-9]{1,19}$/;
const ID_MAX = 2n ** 63n - 1n;

const QUERY = {
  uid: about(UID, "Needed: the user who should have got the message."),
  message_id: about(text(), "The message by its id."),
  client_msg_no: about(CLIENT_MSG_NO, "Or by its number, with channel_id and channel_type."),
  channel_id: about(CHANNEL_ID, "For a person (type 1) the other one's uid, or the stored id."),
  channel_type: UINT8,
  login_uid: about(UID, "From whose side channel_id is meant; left out: uid's."),
  from_uid: about(UID, "The sender, if he is known: a send that was refused is found by him."),
};
type Query = DecodedFields<typeof QUERY>;

const TEXT = { type: "string" };
const MESSAGE = titled(
  "ExplainedMessage",
  shape({
    message_id: about(UINT64, "Beyond 2^53: read it as text, or use message_idstr."),
    message_idstr: TEXT,
    message_seq: about(UINT64, "0: it was not kept."),
    client_msg_no: TEXT,
    from_uid: TEXT,
    channel_id: about(TEXT, "As it is stored."),
    channel_type: UINT8,
    log: { type: "string", enum: ["chat", "command"] },
    timestamp_ms: about(INT, "Milliseconds since 1970."),
    expires_at_ms: about(INT, "0: never."),
  }),
);
const SESSION = titled(
  "ExplainedSession",
  shape({
    conn_id: INT64,
    device_flag: UINT8,
    device_level: about(BIT, "1: master."),
    device_id: TEXT,
    version: about(UINT8, "Of the protocol."),
    connected_at_ms: INT,
    ended_at_ms: about(INT, "0: it is open."),
    end_reason: TEXT,
    state: about(TEXT, "What became of the message there, as acknowledged, waiting or ended_before."),
    resends: INT,
  }),
);
const EXPLANATION = shape({
  uid: TEXT,
  verdict: about(TEXT, "One of the codes in docs/explain.md."),
  advice: about(TEXT, "What an operator can do; may be empty."),
  text: about(TEXT, "The verdict as a sentence, then one for each fact, line by line."),
  message: { ...eitherOf(MESSAGE, { type: "null" }), description: "null: it is not known." },
  facts: listOf(shape({ code: TEXT, text: TEXT })),
  sessions: { ...listOf(SESSION), description: "The user's last sessions." },
});

const FACTS = [
  {
    code: "stored",
    text: "The server stored it at 2026-04-22T06:40:00.123Z as number 1 of the chat log.",
  },
  {
    code: "permitted",
    text: "It was permitted: the receiver's deny and allow lists did not forbid it, system accounts and the HTTP API too.",
  },
  { code: "membership_implied", text: "He belongs to the channel by its id." },
  { code: "list_shown", text: "The chat is in his chat list and shows it." },
  { code: "unread", text: "He has not read it; 1 unread in this chat." },
  { code: "webhook_off", text: "No webhook is told of it." },
] as const;
const EXAMPLE = {
  uid: "bob",
  verdict: "offline_never_connected",
  advice:
    "He has not logged in yet, or so long ago that it is forgotten (limits.trailUsersMax). Nothing is lost: the client finds it with its next sync (/conversation/sync, /channel/messagesync; commands: /message/sync).",
  text: [
    "He had no session when the message came, and none from before it is known.",
    ...FACTS.map((fact) => fact.text),
  ].join("\n"),
  message: {
    message_id: MESSAGE_EXAMPLE.message_id,
    message_idstr: MESSAGE_EXAMPLE.message_idstr,
    message_seq: 1,
    client_msg_no: "order-1001",
    from_uid: "alice",
    channel_id: "bob@alice",
    channel_type: 1,
    log: "chat",
    timestamp_ms: 1_776_840_000_123,
    expires_at_ms: 0,
  },
  facts: FACTS,
  sessions: [],
} as const;

const BAD_ID = "message_id有误！";
const NO_NAME = "message_id和client_msg_no不能同时为空！";
const NO_CHANNEL_ID = "channel_id不能为空！";
const NO_TYPE = "channel_type不能为0";
const BAD_CHANNEL = "channel_id有误！";

export function explainRoutes(deps: ExplainDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/explain",
      tag: "Messages",
      summary: "Why a user got a message, or did not",
      details: "Tells facts about the message, never what is in it. Not in the original.",
      query: QUERY,
      answers: { 200: EXPLANATION },
      refusals: [BLANK_UID, BAD_ID, NO_NAME, NO_CHANNEL_ID, NO_TYPE, BAD_CHANNEL],
      example: { query: "?uid=bob&client_msg_no=order-1001&channel_id=alice&channel_type=1", answer: EXAMPLE },
      handle: ({ query }) => explain(deps, query),
    }),
  ];
}

async function explain({ explainer }: ExplainDeps, query: Query): Promise<HttpAnswer> {
  const { uid, message_id: id, from_uid: fromUid } = query;
  if (isBlank(uid)) return failure(BLANK_UID);
  const message = isBlank(id) ? byNumber(query) : byId(id);
  if (typeof message === "string") return failure(message);
  return bare(explanationJson(uid, await explainer.explain({ uid, message, fromUid })));
}

/** A text says what is wrong. */
function byId(text: string): MessageName | string {
  const id = ID_TEXT.test(text) ? BigInt(text) : 0n;
  return id === 0n || id > ID_MAX ? BAD_ID : { id: int64FromBigInt(id) };
}

function byNumber(query: Query): MessageName | string {
  const { client_msg_no: clientMsgNo, channel_id: channelId, channel_type: type } = query;
  if (isBlank(clientMsgNo)) return NO_NAME;
  if (isBlank(channelId)) return NO_CHANNEL_ID;
  if (type === 0) return NO_TYPE;
  const stored = storedLog(channelId, type);
  const speaker = isBlank(query.login_uid) ? query.uid : query.login_uid;
  const channel = channelOf(stored.channel, speaker);
  if (channel === undefined) return BAD_CHANNEL;
  return { channel, log: stored.log === "command" ? "command" : undefined, clientMsgNo };
}

/** A chat of two is named by the other one, or by both: people in either order. */
function channelOf(named: ChannelKey, speaker: string): ChannelKey | undefined {
  const kind = kindOf(named.type);
  if (kind.members !== "implied") return named;
  if (!named.id.includes("@")) return internalKey(named, speaker);
  const [one = "", other = one] = kind.implied(named.id);
  return isPerson(named.type) ? internalKey({ ...named, id: other }, one) : named;
}

function explanationJson(uid: string, explanation: Explanation): string {
  const { verdict, answer, advice, message, facts, sessions } = explanation;
  return writeJson({
    uid,
    verdict,
    advice,
    text: [answer, ...facts.map((fact) => fact.text)].join("\n"),
    message:
      message === undefined
        ? null
        : {
            message_id: BigInt(int64ToText(message.id)),
            message_idstr: int64ToText(message.id),
            message_seq: message.seq,
            client_msg_no: message.clientMsgNo,
            from_uid: message.fromUid,
            channel_id: message.channel.id,
            channel_type: message.channel.type,
            log: message.log,
            timestamp_ms: message.atMs,
            expires_at_ms: message.expiresAtMs,
          },
    facts: facts.map(({ code, text }) => ({ code, text })),
    sessions: sessions.map(({ note, openedMs, endedMs, endReason, state, resends }) => ({
      conn_id: note.id,
      device_flag: note.deviceFlag,
      device_level: note.deviceLevel === "master" ? 1 : 0,
      device_id: note.deviceId,
      version: note.version,
      connected_at_ms: openedMs,
      ended_at_ms: endedMs,
      end_reason: endReason,
      state,
      resends,
    })),
  });
}
