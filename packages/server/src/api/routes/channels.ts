/** A channel's existence and flags. All five flags are overwritten as a whole: what a call leaves out becomes 0. */
import type { ChannelFlags } from "../../messaging/channels.ts";
import { hasSpecialCharacters } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { isPerson } from "../addressing.ts";
import { SUCCESS } from "../answer-schema.ts";
import { failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, badFormat, badFormatWithProblem, route } from "../api-route.ts";
import {
  CHANNEL_ID_SPECIAL,
  COMMAND_LOG_REFUSAL,
  commandLogProblem,
  isBlank,
  UID_REFUSALS,
  uidsProblem,
} from "../id-checks.ts";
import { about, array, CHANNEL_ID, type Decoded, INT, object, UID, UINT8 } from "../json-schema.ts";

type ChannelDeps = Pick<ApiDeps, "channels">;

const FLAGS = {
  large: about(INT, "1: a large group. Kept, without effect."),
  ban: about(INT, "1: nobody may send. Of a person (type 1): he cannot log in."),
  disband: about(INT, "1: disbanded; history stays readable."),
  send_ban: about(INT, "1, of a person (type 1): he may not send."),
  allow_stranger: about(INT, "1: kept, without effect."),
} as const;
const KEY = { channel_id: CHANNEL_ID, channel_type: UINT8 };
const INFO = object("channelInfoReq", { ...KEY, ...FLAGS }, ["channel_id"]);
const CREATE = object(
  "channelCreateReq",
  {
    ...INFO.properties,
    reset: about(INT, "1: the members become exactly these; who stays keeps his chat."),
    subscribers: about(array(UID), "Members to add."),
  },
  ["channel_id", "channel_type"],
);
const DELETE = object("channelDeleteReq", KEY, ["channel_id", "channel_type"]);

const NO_ID = "频道ID不能为空！";
const BAD_TYPE = "频道类型错误！";
const NO_MEMBERS_OF_PERSON = "不支持个人频道添加订阅者！";
const NOT_A_PERSON = "个人频道不支持添加订阅者！";
const BLANK_MEMBER = "添加订阅者失败！";

export function channelRoutes(deps: ChannelDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/channel",
      tag: "Channels",
      summary: "Create or update a channel, and add members",
      details: "All five flags are overwritten: what the call leaves out becomes 0. Existing members stay as they are.",
      body: CREATE,
      badBody: badFormatWithProblem,
      answers: { 200: SUCCESS },
      refusals: [
        NO_ID,
        BAD_TYPE,
        CHANNEL_ID_SPECIAL,
        NO_MEMBERS_OF_PERSON,
        COMMAND_LOG_REFUSAL,
        BLANK_MEMBER,
        ...UID_REFUSALS,
      ],
      example: {
        body: { channel_id: "group1", channel_type: 2, subscribers: ["alice", "bob"] },
        answer: { status: 200 },
      },
      handle: ({ body }) => createOrUpdate(deps, body),
    }),
    route({
      method: "POST",
      path: "/channel/info",
      tag: "Channels",
      summary: "Overwrite a channel's flags",
      details:
        "All five flags are overwritten: what the call leaves out becomes 0. For a person (type 1) channel_id is his uid.",
      body: INFO,
      badBody: badFormat,
      answers: { 200: SUCCESS },
      refusals: [NO_ID, COMMAND_LOG_REFUSAL],
      example: { body: { channel_id: "group1", channel_type: 2, ban: 0 }, answer: { status: 200 } },
      handle: ({ body }) => setInfo(deps, body),
    }),
    route({
      method: "POST",
      path: "/channel/delete",
      tag: "Channels",
      summary: "Disband a channel",
      details: "Sets the flag disband. Messages, members and chats stay.",
      body: DELETE,
      answers: { 200: SUCCESS },
      refusals: [NOT_A_PERSON, NO_ID, COMMAND_LOG_REFUSAL],
      example: { body: { channel_id: "group2", channel_type: 2 }, answer: { status: 200 } },
      handle: ({ body }) => disband(deps, body),
    }),
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
  if (type === 0) return BAD_TYPE;
  if (hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  if (isPerson(type) && subscribers.length > 0) return NO_MEMBERS_OF_PERSON;
  return commandLogProblem(id) ?? uidsProblem(subscribers, BLANK_MEMBER);
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
  if (isPerson(type)) return failure(NOT_A_PERSON);
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
