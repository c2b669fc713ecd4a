/** A channel's existence and flags. All five flags are overwritten as a whole: what a call leaves out becomes 0. */
import type { ChannelFlags } from "../../messaging/channels.ts";
import { hasSpecialCharacters } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { isPerson } from "../addressing.ts";
import { failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormat, badFormatWithProblem, post } from "../api-route.ts";
import { CHANNEL_ID_SPECIAL, commandLogProblem, isBlank, uidsProblem } from "../id-checks.ts";
import { array, CHANNEL_ID, type Decoded, INT, object, UID, UINT8 } from "../json-schema.ts";

type ChannelDeps = Pick<ApiDeps, "channels">;

const FLAGS = { large: INT, ban: INT, disband: INT, send_ban: INT, allow_stranger: INT } as const;
const INFO = object("channelInfoReq", { channel_id: CHANNEL_ID, channel_type: UINT8, ...FLAGS });
const CREATE = object("channelCreateReq", { ...INFO.properties, reset: INT, subscribers: array(UID) });
const DELETE = object("channelDeleteReq", { channel_id: CHANNEL_ID, channel_type: UINT8 });

const NO_ID = "频道ID不能为空！";

export function channelRoutes(deps: ChannelDeps): readonly ApiRoute[] {
  return [
    post("/channel", CREATE, (body) => createOrUpdate(deps, body), badFormatWithProblem),
    post("/channel/info", INFO, (body) => setInfo(deps, body), badFormat),
    post("/channel/delete", DELETE, (body) => disband(deps, body)),
  ];
}

async function createOrUpdate({ channels }: ChannelDeps, body: Decoded<typeof CREATE>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type } = body;
  const subscribers = body.subscribers ?? [];
  const problem = createProblem(id, type, subscribers);
  if (problem !== undefined) return failure(problem);
  const key = { type, id };
  await channels.setFlags(key, flagsOf(body));
  if (subscribers.length > 0) await channels.addMembers(key, subscribers, { reset: body.reset === 1 });
  else if (body.reset === 1) await channels.removeAllMembers(key);
  return ok();
}

function createProblem(id: string, type: number, subscribers: readonly string[]): string | undefined {
  if (isBlank(id)) return NO_ID;
  if (type === 0) return "频道类型错误！";
  if (hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  if (isPerson(type) && subscribers.length > 0) return "不支持个人频道添加订阅者！";
  return commandLogProblem(id) ?? uidsProblem(subscribers, "添加订阅者失败！");
}

/** Takes stored ids too: a flag on the stored id of a person chat concerns both. */
async function setInfo({ channels }: ChannelDeps, body: Decoded<typeof INFO>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type } = body;
  const problem = isBlank(id) ? NO_ID : commandLogProblem(id);
  if (problem !== undefined) return failure(problem);
  await channels.setFlags({ type, id }, flagsOf(body));
  return ok();
}

/** Only disbands: history, members and conversations stay. */
async function disband({ channels }: ChannelDeps, body: Decoded<typeof DELETE>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type } = body;
  if (isPerson(type)) return failure("个人频道不支持添加订阅者！");
  const problem = isBlank(id) ? NO_ID : commandLogProblem(id);
  if (problem !== undefined) return failure(problem);
  await channels.disband({ type, id });
  return ok();
}

function flagsOf(body: { readonly [Flag in keyof typeof FLAGS]: number }): ChannelFlags {
  return {
    ban: body.ban === 1,
    disband: body.disband === 1,
    sendBan: body.send_ban === 1,
    large: body.large === 1,
    allowStranger: body.allow_stranger === 1,
  };
}
