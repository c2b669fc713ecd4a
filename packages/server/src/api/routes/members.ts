/** A channel's listed members. A person chat has none: its members are its id. */
import { withoutCommandSuffix } from "@wukong-ts/protocol";
import type { ChannelListName } from "../../messaging/channels.ts";
import { hasSpecialCharacters, isUid } from "../../messaging/valid-ids.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { isPerson } from "../addressing.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormatWithProblem, channelTypeOf, get, post } from "../api-route.ts";
import { CHANNEL_ID_SPECIAL, commandLogProblem, isBlank, queryIdProblem, uidsProblem } from "../id-checks.ts";
import { array, CHANNEL_ID, type Decoded, INT, object, UID, UINT8 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

type MemberDeps = Pick<ApiDeps, "channels">;

const ADD = object("subscriberAddReq", {
  channel_id: CHANNEL_ID,
  channel_type: UINT8,
  reset: INT,
  temp_subscriber: INT,
  subscribers: array(UID),
});
const REMOVE = object("subscriberRemoveReq", { channel_id: CHANNEL_ID, channel_type: UINT8, subscribers: array(UID) });
const REMOVE_ALL = object("subscriberRemoveAllReq", { channel_id: CHANNEL_ID, channel_type: UINT8 });
const SET_RECEIVERS = object("tmpSubscriberSetReq", { channel_id: CHANNEL_ID, uids: array(UID) });

const GROUP = 2;
const TEMPORARY = 8;
const NO_UIDS = "uids不能为空！";

export function memberRoutes(deps: MemberDeps): readonly ApiRoute[] {
  return [
    post("/channel/subscriber_add", ADD, (body) => add(deps, body), badFormatWithProblem),
    post("/channel/subscriber_remove", REMOVE, (body) => remove(deps, body), badFormatWithProblem),
    post("/channel/subscriber_remove_all", REMOVE_ALL, (body) => removeAll(deps, body)),
    post("/tmpchannel/subscriber_set", SET_RECEIVERS, (body) => setReceivers(deps, body)),
    get("/cluster/channels/:channel_id/:channel_type/subscribers", (request) => uidsOf(deps, request, "members")),
    get("/cluster/channels/:channel_id/:channel_type/denylist", (request) => uidsOf(deps, request, "deny")),
    get("/cluster/channels/:channel_id/:channel_type/allowlist", (request) => uidsOf(deps, request, "allow")),
  ];
}

async function add({ channels }: MemberDeps, body: Decoded<typeof ADD>): Promise<HttpAnswer> {
  const id = body.channel_id;
  const type = body.channel_type === 0 ? GROUP : body.channel_type;
  const subscribers = body.subscribers ?? [];
  const problem =
    namesProblem(id, type, subscribers) ??
    (body.temp_subscriber === 1 ? "新版本临时订阅者已不支持！" : undefined) ??
    commandLogProblem(id) ??
    uidsProblem(subscribers, "添加频道失败！");
  if (problem !== undefined) return failure(problem);
  await channels.addMembers({ type, id }, subscribers, { reset: body.reset === 1 });
  return ok();
}

/** Without a type this is another channel than the one `add` defaults to, as in the original. */
async function remove({ channels }: MemberDeps, body: Decoded<typeof REMOVE>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type } = body;
  const subscribers = body.subscribers ?? [];
  const problem = namesProblem(id, type, subscribers) ?? commandLogProblem(id);
  if (problem !== undefined) return failure(problem);
  // Whoever can be no member is none.
  await channels.removeMembers({ type, id }, subscribers.filter(isUid));
  return ok();
}

function namesProblem(id: string, type: number, subscribers: readonly string[]): string | undefined {
  if (isBlank(id)) return "频道ID不能为空！";
  if (hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  if (subscribers.every(isBlank)) return "订阅者不能为空！";
  // The original's text for both, adding and removing.
  return isPerson(type) ? "个人频道不支持添加订阅者！" : undefined;
}

async function removeAll({ channels }: MemberDeps, body: Decoded<typeof REMOVE_ALL>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type } = body;
  if (isBlank(id)) return failure("channel_id不能为空！");
  if (type === 0) return failure("频道类型不能为0！");
  if (isPerson(type)) return failure("个人频道不支持此操作！");
  const problem = commandLogProblem(id);
  if (problem !== undefined) return failure(problem);
  await channels.removeAllMembers({ type, id });
  return ok();
}

/** Who receives what is sent to a temporary channel. The nodes of the original name the command log too. */
async function setReceivers({ channels }: MemberDeps, body: Decoded<typeof SET_RECEIVERS>): Promise<HttpAnswer> {
  const id = withoutCommandSuffix(body.channel_id);
  const uids = body.uids ?? [];
  const problem = receiversProblem(id, uids);
  if (problem !== undefined) return failure(problem);
  await channels.setReceivers({ type: TEMPORARY, id }, uids);
  return ok();
}

function receiversProblem(id: string, uids: readonly string[]): string | undefined {
  if (isBlank(id)) return "channel_id不能为空！";
  if (hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  return uids.length === 0 ? NO_UIDS : uidsProblem(uids, NO_UIDS);
}

async function uidsOf({ channels }: MemberDeps, request: HttpRequest, list: ChannelListName): Promise<HttpAnswer> {
  const id = request.params["channel_id"] ?? "";
  const problem = queryIdProblem(id);
  if (problem !== undefined) return failure(problem);
  const key = { type: channelTypeOf(request.params["channel_type"]), id: withoutCommandSuffix(id) };
  const listed = await channels.list(key, list);
  return bare(writeJson(listed.map((entry) => entry.uid)));
}
