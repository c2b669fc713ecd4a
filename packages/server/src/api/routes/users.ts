/** Device tokens and who is online. */
import { Reason, SYSTEM_UID } from "@wukong-ts/protocol";
import { hasSpecialCharacters } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { bare, failure, ok, statusOnly } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, post } from "../api-route.ts";
import { array, type Decoded, INT, object, text, UID, UINT8 } from "../json-schema.ts";
import { writeText } from "../json-writer.ts";

type UserDeps = Pick<ApiDeps, "users" | "presence" | "outbound">;

const TOKEN = object("updateTokenReq", { uid: UID, token: text(), device_flag: UINT8, device_level: UINT8 });
const QUIT = object("deviceQuitReq", { uid: UID, device_flag: INT });

const LEVEL_MASTER = 1;
const ALL_FLAGS = -1;
const APP_WEB_PC = [0, 1, 2] as const;
/** A client has time to show why it was logged out. */
const REPLACED_CLOSE_MS = 2_000;
const QUIT_CLOSE_MS = 2_000;

export function userRoutes(deps: UserDeps): readonly ApiRoute[] {
  return [
    post("/user/token", TOKEN, (body) => setToken(deps, body)),
    post("/user/device_quit", QUIT, (body) => quitDevices(deps, body)),
    post("/user/onlinestatus", array(UID), (uids) => onlineStatus(deps, uids ?? [])),
  ];
}

async function setToken(deps: UserDeps, body: Decoded<typeof TOKEN>): Promise<HttpAnswer> {
  if (body.uid === "") return failure("uid不能为空！");
  if (body.token === "") return failure("token不能为空！");
  if (hasSpecialCharacters(body.uid)) return failure("uid不能包含特殊字符！");
  if (body.uid === SYSTEM_UID) return failure("系统账号不允许更新token！");
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
  if (body.uid === "") return failure("uid不能为空！");
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
