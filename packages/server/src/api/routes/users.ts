/** Device tokens and who is online. */
import { Reason, SYSTEM_UID } from "@wukong-ts/protocol";
import { hasSpecialCharacters } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { eitherOf, listOf, SUCCESS, shape, statusOf, titled } from "../answer-schema.ts";
import { bare, failure, ok, statusOnly } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { BLANK_UID } from "../id-checks.ts";
import { about, array, type Decoded, INT, object, text, UID, UINT8 } from "../json-schema.ts";
import { writeText } from "../json-writer.ts";

type UserDeps = Pick<ApiDeps, "users" | "presence" | "outbound">;

const TOKEN = object(
  "updateTokenReq",
  {
    uid: UID,
    token: about(text(), "What the client sends when it connects; checked with tokenAuthOn."),
    device_flag: about(UINT8, "0 app, 1 web, 2 PC."),
    device_level: about(UINT8, "1: master. The user's other connections with this flag are ended."),
  },
  ["uid", "token"],
);
const QUIT = object("deviceQuitReq", { uid: UID, device_flag: about(INT, "0 app, 1 web, 2 PC; -1: all three.") }, [
  "uid",
]);
const UIDS = array(UID);
const ONLINE = listOf(titled("Online", shape({ uid: UID, device_flag: UINT8, online: { const: 1 } })));

const NO_TOKEN = "token不能为空！";
const SPECIAL_UID = "uid不能包含特殊字符！";
const SYSTEM_ACCOUNT = "系统账号不允许更新token！";

const LEVEL_MASTER = 1;
const ALL_FLAGS = -1;
const APP_WEB_PC = [0, 1, 2] as const;
/** A client has time to show why it was logged out. */
const REPLACED_CLOSE_MS = 2_000;
const QUIT_CLOSE_MS = 2_000;

export function userRoutes(deps: UserDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/user/token",
      tag: "Users",
      summary: "Set the token of a user's device",
      details: "Makes the user if there is none. Nothing is stored for a banned (status 19) or disbanded (24) user.",
      body: TOKEN,
      answers: { 200: statusOf(200, Reason.ban, Reason.disband) },
      refusals: [BLANK_UID, NO_TOKEN, SPECIAL_UID, SYSTEM_ACCOUNT],
      example: {
        body: { uid: "alice", token: "tk-8c1", device_flag: 1, device_level: 1 },
        answer: { status: 200 },
      },
      handle: ({ body }) => setToken(deps, body),
    }),
    route({
      method: "POST",
      path: "/user/device_quit",
      tag: "Users",
      summary: "Log a user's device out",
      details: "Its token is emptied and its connections are ended. A device that is not known is left alone.",
      body: QUIT,
      answers: { 200: SUCCESS },
      refusals: [BLANK_UID],
      example: { body: { uid: "alice", device_flag: 1 }, answer: { status: 200 } },
      handle: ({ body }) => quitDevices(deps, body),
    }),
    route({
      method: "POST",
      path: "/user/onlinestatus",
      tag: "Users",
      summary: "Which of these users are online",
      details: "One entry for each connection; who is offline is left out. No uids are answered with the status alone.",
      body: UIDS,
      answers: { 200: eitherOf(ONLINE, SUCCESS) },
      example: { body: ["alice", "bob"], answer: [] },
      handle: ({ body }) => onlineStatus(deps, body ?? []),
    }),
  ];
}

async function setToken(deps: UserDeps, body: Decoded<typeof TOKEN>): Promise<HttpAnswer> {
  if (body.uid === "") return failure(BLANK_UID);
  if (body.token === "") return failure(NO_TOKEN);
  if (hasSpecialCharacters(body.uid)) return failure(SPECIAL_UID);
  if (body.uid === SYSTEM_UID) return failure(SYSTEM_ACCOUNT);
  const isMaster = body.device_level === LEVEL_MASTER;
  const reason = await deps.users.setToken(body.uid, body.device_flag, {
    token: body.token,
    level: isMaster ? "master" : "slave",
  });
  if (reason !== Reason.success) return statusOnly(reason);
  if (isMaster) kick(deps, body.uid, body.device_flag, "账号在其他设备上登录", REPLACED_CLOSE_MS);
  return ok();
}

/** A device without a row has no token to lose, and is left alone. */
async function quitDevices(deps: UserDeps, body: Decoded<typeof QUIT>): Promise<HttpAnswer> {
  if (body.uid === "") return failure(BLANK_UID);
  const flags = body.device_flag === ALL_FLAGS ? APP_WEB_PC : [body.device_flag & 0xff];
  for (const flag of flags) {
    if (await deps.users.quitDevice(body.uid, flag)) kick(deps, body.uid, flag, "", QUIT_CLOSE_MS);
  }
  return ok();
}

function kick(
  { presence, outbound }: UserDeps,
  uid: string,
  flag: number,
  reasonText: string,
  closeAfterMs: number,
): void {
  const sessions = presence.of(uid).filter((session) => session.deviceFlag === flag);
  if (sessions.length === 0) return;
  const ids = sessions.map((session) => session.id);
  outbound.disconnect(ids, Reason.connectKick, reasonText, closeAfterMs);
}

/** One entry per session; who is offline is not in the list. */
function onlineStatus({ presence }: UserDeps, uids: readonly string[]): HttpAnswer {
  if (uids.length === 0) return ok();
  const entries = uids.flatMap((uid) =>
    presence.of(uid).map((session) => `{"uid":${writeText(uid)},"device_flag":${session.deviceFlag},"online":1}`),
  );
  return bare(`[${entries.join(",")}]`);
}
