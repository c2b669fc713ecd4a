/** Why a user got a message, or did not. Tells facts about the message, never what is in it. */
import { int64FromBigInt, int64ToText } from "@wukong-ts/protocol";
import { internalKey, kindOf } from "../../messaging/channel-kinds.ts";
import type { ChannelKey } from "../../messaging/message.ts";
import { CHANNEL_ID_BYTES_MAX, CLIENT_MSG_NO_BYTES_MAX, fits, UID_BYTES_MAX } from "../../messaging/valid-ids.ts";
import type { Explanation, MessageName } from "../../observe/explainer.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { isPerson, storedLog } from "../addressing.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, channelTypeOf, get } from "../api-route.ts";
import { isBlank } from "../id-checks.ts";
import { writeJson } from "../json-writer.ts";

type ExplainDeps = Pick<ApiDeps, "explainer">;

const ID_TEXT = /^[0-9]{1,19}$/;
const ID_MAX = 2n ** 63n - 1n;

export function explainRoutes(deps: ExplainDeps): readonly ApiRoute[] {
  return [get("/explain", (request) => explain(deps, request))];
}

async function explain({ explainer }: ExplainDeps, { query }: HttpRequest): Promise<HttpAnswer> {
  const uid = query["uid"] ?? "";
  const fromUid = query["from_uid"] ?? "";
  if (isBlank(uid)) return failure("uid不能为空！");
  if (!fits(uid, UID_BYTES_MAX) || !fits(fromUid, UID_BYTES_MAX)) return failure(`uid不能超过${UID_BYTES_MAX}字节！`);
  const message = isBlank(query["message_id"] ?? "") ? byNumber(query, uid) : byId(query["message_id"] ?? "");
  if (typeof message === "string") return failure(message);
  return bare(explanationJson(uid, await explainer.explain({ uid, message, fromUid })));
}

/** A text says what is wrong. */
function byId(text: string): MessageName | string {
  const id = ID_TEXT.test(text) ? BigInt(text) : 0n;
  return id === 0n || id > ID_MAX ? "message_id有误！" : { id: int64FromBigInt(id) };
}

function byNumber(query: Readonly<Record<string, string>>, uid: string): MessageName | string {
  const clientMsgNo = query["client_msg_no"] ?? "";
  const channelId = query["channel_id"] ?? "";
  const type = channelTypeOf(query["channel_type"]);
  if (isBlank(clientMsgNo)) return "message_id和client_msg_no不能同时为空！";
  if (!fits(clientMsgNo, CLIENT_MSG_NO_BYTES_MAX)) return `client_msg_no不能超过${CLIENT_MSG_NO_BYTES_MAX}字节！`;
  if (isBlank(channelId)) return "channel_id不能为空！";
  if (type === 0) return "channel_type不能为0";
  if (!fits(channelId, CHANNEL_ID_BYTES_MAX)) return `channel_id不能超过${CHANNEL_ID_BYTES_MAX}字节！`;
  const stored = storedLog(channelId, type);
  const speaker = isBlank(query["login_uid"] ?? "") ? uid : (query["login_uid"] ?? "");
  const channel = channelOf(stored.channel, speaker);
  if (channel === undefined) return "channel_id有误！";
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
