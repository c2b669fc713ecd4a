/** A channel's listed members. A person chat has none: its members are its id. */
import { withoutCommandSuffix } from "@wukong-ts/protocol";
import type { ChannelListName } from "../../messaging/channels.ts";
import { hasSpecialCharacters, isUid } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { isPerson } from "../addressing.ts";
import { listOf, SUCCESS } from "../answer-schema.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, badFormatWithProblem, route } from "../api-route.ts";
import {
  CHANNEL_ID_SPECIAL,
  COMMAND_LOG_REFUSAL,
  commandLogProblem,
  isBlank,
  UID_REFUSALS,
  uidsProblem,
} from "../id-checks.ts";
import { about, array, CHANNEL_ID, type Decoded, type DecodedFields, INT, object, UID, UINT8 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

type MemberDeps = Pick<ApiDeps, "channels">;

const KEY = { channel_id: CHANNEL_ID, channel_type: UINT8 };
const ADD = object(
  "subscriberAddReq",
  {
    channel_id: CHANNEL_ID,
    channel_type: about(UINT8, "0 is 2, a group."),
    reset: about(INT, "1: the members become exactly these; who stays keeps his chat."),
    temp_subscriber: about(INT, "1 is refused."),
    subscribers: array(UID),
  },
  ["channel_id", "subscribers"],
);
const REMOVE = object("subscriberRemoveReq", { ...KEY, subscribers: array(UID) }, ["channel_id", "subscribers"]);
const REMOVE_ALL = object("subscriberRemoveAllReq", KEY, ["channel_id", "channel_type"]);
const SET_RECEIVERS = object("tmpSubscriberSetReq", { channel_id: CHANNEL_ID, uids: array(UID) }, [
  "channel_id",
  "uids",
]);
const UIDS = listOf({ type: "string" });

const GROUP = 2;
const TEMPORARY = 8;
const NO_UIDS = "uids不能为空！";
const NO_ID = "频道ID不能为空！";
const NO_CHANNEL_ID = "channel_id不能为空！";
const NO_TYPE = "频道类型不能为0！";
const NO_MEMBERS = "订阅者不能为空！";
const BLANK_MEMBER = "添加频道失败！";
const NO_TEMPORARY_MEMBERS = "新版本临时订阅者已不支持！";
/** The original's text for both, adding and removing. */
const NOT_TO_A_PERSON = "个人频道不支持添加订阅者！";
const NOT_OF_A_PERSON = "个人频道不支持此操作！";
/** What `namesProblem` says. */
const NAME_REFUSALS = [NO_ID, CHANNEL_ID_SPECIAL, NO_MEMBERS, NOT_TO_A_PERSON];

export function memberRoutes(deps: MemberDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/channel/subscriber_add",
      tag: "Members and lists",
      summary: "Add members to a channel",
      details:
        "Makes the channel if there is none. The chat is in a new member's list at once, read up to now; adding a member again changes nothing.",
      body: ADD,
      badBody: badFormatWithProblem,
      answers: { 200: SUCCESS },
      refusals: [...NAME_REFUSALS, NO_TEMPORARY_MEMBERS, COMMAND_LOG_REFUSAL, BLANK_MEMBER, ...UID_REFUSALS],
      example: {
        body: { channel_id: "group1", channel_type: 2, subscribers: ["carol", "dave"] },
        answer: { status: 200 },
      },
      handle: ({ body }) => add(deps, body),
    }),
    route({
      method: "POST",
      path: "/channel/subscriber_remove",
      tag: "Members and lists",
      summary: "Remove members from a channel",
      details: "The chat leaves their lists. There is no default type here: 0 names another channel.",
      body: REMOVE,
      badBody: badFormatWithProblem,
      answers: { 200: SUCCESS },
      refusals: [...NAME_REFUSALS, COMMAND_LOG_REFUSAL],
      example: { body: { channel_id: "group1", channel_type: 2, subscribers: ["dave"] }, answer: { status: 200 } },
      handle: ({ body }) => remove(deps, body),
    }),
    route({
      method: "POST",
      path: "/channel/subscriber_remove_all",
      tag: "Members and lists",
      summary: "Remove all members of a channel",
      body: REMOVE_ALL,
      answers: { 200: SUCCESS },
      refusals: [NO_CHANNEL_ID, NO_TYPE, NOT_OF_A_PERSON, COMMAND_LOG_REFUSAL],
      example: { body: { channel_id: "group2", channel_type: 2 }, answer: { status: 200 } },
      handle: ({ body }) => removeAll(deps, body),
    }),
    route({
      method: "POST",
      path: "/tmpchannel/subscriber_set",
      tag: "Members and lists",
      summary: "Say who receives what is sent to a temporary channel (type 8)",
      body: SET_RECEIVERS,
      answers: { 200: SUCCESS },
      refusals: [NO_CHANNEL_ID, CHANNEL_ID_SPECIAL, NO_UIDS, ...UID_REFUSALS],
      handle: ({ body }) => setReceivers(deps, body),
    }),
    uidsRoute(deps, "subscribers", "members"),
    uidsRoute(deps, "denylist", "deny"),
    uidsRoute(deps, "allowlist", "allow"),
  ];
}

function uidsRoute(deps: MemberDeps, pathEnd: string, list: ChannelListName): ApiRoute {
  return route({
    method: "GET",
    path: `/cluster/channels/:channel_id/:channel_type/${pathEnd}`,
    tag: "Members and lists",
    ports: BOTH_PORTS,
    summary: LIST_SUMMARIES[list],
    params: KEY,
    answers: { 200: UIDS },
    ...(list === "members"
      ? { example: { params: { channel_id: "group1", channel_type: "2" }, answer: ["alice", "bob", "carol"] } }
      : undefined),
    handle: ({ params }) => uidsOf(deps, params, list),
  });
}

const LIST_SUMMARIES = {
  members: "The uids of a channel's members",
  deny: "The uids on a channel's deny list",
  allow: "The uids on a channel's allow list",
} as const;

async function add({ channels }: MemberDeps, body: Decoded<typeof ADD>): Promise<HttpAnswer> {
  const id = body.channel_id;
  const type = body.channel_type === 0 ? GROUP : body.channel_type;
  const subscribers = body.subscribers ?? [];
  const problem =
    namesProblem(id, type, subscribers) ??
    (body.temp_subscriber === 1 ? NO_TEMPORARY_MEMBERS : undefined) ??
    commandLogProblem(id) ??
    uidsProblem(subscribers, BLANK_MEMBER);
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
  if (isBlank(id)) return NO_ID;
  if (hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  if (subscribers.every(isBlank)) return NO_MEMBERS;
  return isPerson(type) ? NOT_TO_A_PERSON : undefined;
}

async function removeAll({ channels }: MemberDeps, body: Decoded<typeof REMOVE_ALL>): Promise<HttpAnswer> {
  const { channel_id: id, channel_type: type } = body;
  if (isBlank(id)) return failure(NO_CHANNEL_ID);
  if (type === 0) return failure(NO_TYPE);
  if (isPerson(type)) return failure(NOT_OF_A_PERSON);
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
  if (isBlank(id)) return NO_CHANNEL_ID;
  if (hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  return uids.length === 0 ? NO_UIDS : uidsProblem(uids, NO_UIDS);
}

async function uidsOf(
  { channels }: MemberDeps,
  params: DecodedFields<typeof KEY>,
  list: ChannelListName,
): Promise<HttpAnswer> {
  const key = { type: params.channel_type, id: withoutCommandSuffix(params.channel_id) };
  const listed = await channels.list(key, list);
  return bare(writeJson(listed.map((entry) => entry.uid)));
}
