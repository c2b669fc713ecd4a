/** What the load generator wkbench asks of a server under test: who it is, and users and groups by the batch. */
import { Reason } from "@wukong-ts/protocol";
import { hasSpecialCharacters } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { listOf, shape } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import {
  BLANK_UID,
  COMMAND_LOG_REFUSAL,
  commandLogProblem,
  isBlank,
  UID_REFUSALS,
  uidProblem,
  uidsProblem,
} from "../id-checks.ts";
import { about, array, BOOL, CHANNEL_ID, type Decoded, INT, object, text, UID, UINT8 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

type BenchDeps = Pick<ApiDeps, "users" | "channels"> & { readonly options: Pick<ApiDeps["options"], "bodyBytesMax"> };

const BATCH_MAX = 10_000;
const GROUP = 2;
const MASTER = 1;
const RUN = { run_id: text(), batch_id: text() } as const;
const RUN_NAMES = ["run_id", "batch_id"] as const;
const OLDER = "What older versions of the tool call it.";

const USER = object(
  "userToken",
  { uid: UID, token: text(), device_flag: UINT8, device_level: about(UINT8, "1: master.") },
  ["uid", "token"],
);
const USERS = object("tokensReq", { ...RUN, users: array(USER), items: about(array(USER), OLDER) }, RUN_NAMES);

const FLAGS = { large: BOOL, ban: BOOL, disband: BOOL, send_ban: BOOL, allow_stranger: BOOL } as const;
const CHANNEL_KEY = { channel_id: CHANNEL_ID, channel_type: about(UINT8, "2, a group; others are refused.") } as const;
const CHANNEL = object("channelRecord", { ...CHANNEL_KEY, ...FLAGS }, ["channel_id", "channel_type"]);
const CHANNELS = object(
  "channelsReq",
  { ...RUN, channels: array(CHANNEL), items: about(array(CHANNEL), OLDER) },
  RUN_NAMES,
);

const MEMBERS = object(
  "subscriberItem",
  { ...CHANNEL_KEY, reset: about(BOOL, "true is refused."), subscribers: array(UID) },
  ["channel_id", "channel_type", "subscribers"],
);
const SUBSCRIBERS = object("subscribersReq", { ...RUN, items: array(MEMBERS) }, ["run_id", "batch_id", "items"]);

const TEXT = { type: "string" };
const YES_NO = { type: "boolean" };
const ACCEPTED = { run_id: TEXT, batch_id: TEXT, accepted: INT };
const CAPABILITIES = shape({
  enabled: YES_NO,
  version: TEXT,
  supports: shape({
    users_tokens_batch: YES_NO,
    channels_batch: YES_NO,
    channel_subscribers_batch: YES_NO,
    snapshot: YES_NO,
    channel_types: listOf(TEXT),
  }),
  limits: shape({ max_batch_size: INT, max_payload_bytes: INT }),
});

interface Run {
  readonly run_id: string;
  readonly batch_id: string;
}

const NO_RUN = "run_id is required";
const NO_BATCH = "batch_id is required";
const BATCH_REFUSALS: readonly string[] = [NO_RUN, NO_BATCH, `batch size … exceeds max ${BATCH_MAX}`];
const NO_CHANNEL_ID = "channel_id is required";
const BAD_CHANNEL_ID = "channel_id contains a forbidden character";
const ONLY_GROUPS = `only groups (channel_type ${GROUP}) are supported`;
const GROUP_REFUSALS: readonly string[] = [NO_CHANNEL_ID, BAD_CHANNEL_ID, ONLY_GROUPS, COMMAND_LOG_REFUSAL];
const NO_USERS = "users are required";
const NO_TOKEN = "token is required";
const NO_CHANNELS = "channels are required";
const NO_ITEMS = "items are required";
const NO_RESET = "reset is not supported";
const NO_SUBSCRIBERS = "subscribers are required";
const NO_SUBSCRIBER = "subscriber uid is required";

export function benchRoutes(deps: BenchDeps): readonly ApiRoute[] {
  const common = { method: "POST", tag: "Load tests" } as const;
  const details = "At most 10,000 at once. All are looked at before any of them is stored.";
  return [
    route({
      method: "GET",
      path: "/bench/v1/capabilities",
      tag: "Load tests",
      summary: "What this server can do for a load test",
      answers: { 200: CAPABILITIES },
      handle: () => capabilities(deps),
    }),
    route({
      ...common,
      path: "/bench/v1/users/tokens",
      summary: "Set the tokens of many users",
      details,
      body: USERS,
      answers: { 200: shape(ACCEPTED) },
      refusals: [...BATCH_REFUSALS, NO_USERS, NO_TOKEN, BLANK_UID, ...UID_REFUSALS],
      handle: ({ body }) => setTokens(deps, body),
    }),
    route({
      ...common,
      path: "/bench/v1/channels",
      summary: "Make many groups",
      details,
      body: CHANNELS,
      answers: { 200: shape(ACCEPTED) },
      refusals: [...BATCH_REFUSALS, NO_CHANNELS, ...GROUP_REFUSALS],
      handle: ({ body }) => setChannels(deps, body),
    }),
    route({
      ...common,
      path: "/bench/v1/channels/subscribers",
      summary: "Add members to many groups",
      details,
      body: SUBSCRIBERS,
      answers: { 200: shape({ ...ACCEPTED, accepted_subscribers: INT }) },
      refusals: [
        ...BATCH_REFUSALS,
        NO_ITEMS,
        ...GROUP_REFUSALS,
        NO_RESET,
        NO_SUBSCRIBERS,
        NO_SUBSCRIBER,
        ...UID_REFUSALS,
      ],
      handle: ({ body }) => addSubscribers(deps, body),
    }),
  ];
}

function capabilities({ options }: BenchDeps): HttpAnswer {
  return bare(
    writeJson({
      enabled: true,
      version: "bench/v1",
      supports: {
        users_tokens_batch: true,
        channels_batch: true,
        channel_subscribers_batch: true,
        snapshot: false,
        channel_types: ["group"],
      },
      limits: { max_batch_size: BATCH_MAX, max_payload_bytes: options.bodyBytesMax },
    }),
  );
}

/** All of a batch is looked at before any of it is stored. */
async function setTokens({ users }: BenchDeps, body: Decoded<typeof USERS>): Promise<HttpAnswer> {
  const items = named(body.users, body.items);
  let problem = batchProblem(body, items.length, NO_USERS);
  for (const { uid, token } of items) problem ??= uidProblem(uid) ?? (token === "" ? NO_TOKEN : undefined);
  if (problem !== undefined) return failure(problem);
  let accepted = 0;
  for (const { uid, token, device_flag: flag, device_level: level } of items) {
    const reason = await users.setToken(uid, flag, { token, level: level === MASTER ? "master" : "slave" });
    if (reason === Reason.success) accepted++;
  }
  return acceptedJson(body, { accepted });
}

async function setChannels({ channels }: BenchDeps, body: Decoded<typeof CHANNELS>): Promise<HttpAnswer> {
  const items = named(body.channels, body.items);
  let problem = batchProblem(body, items.length, NO_CHANNELS);
  for (const { channel_id: id, channel_type: type } of items) problem ??= groupProblem(id, type);
  if (problem !== undefined) return failure(problem);
  for (const item of items) {
    const { large, ban, disband, send_ban: sendBan, allow_stranger: allowStranger } = item;
    const key = { type: item.channel_type, id: item.channel_id };
    await channels.setFlags(key, { large, ban, disband, sendBan, allowStranger });
  }
  return acceptedJson(body, { accepted: items.length });
}

async function addSubscribers({ channels }: BenchDeps, body: Decoded<typeof SUBSCRIBERS>): Promise<HttpAnswer> {
  const items = body.items ?? [];
  let problem = batchProblem(body, items.length, NO_ITEMS);
  for (const { channel_id: id, channel_type: type, reset, subscribers } of items) {
    problem ??= groupProblem(id, type) ?? (reset ? NO_RESET : undefined);
    problem ??= (subscribers ?? []).length === 0 ? NO_SUBSCRIBERS : undefined;
    problem ??= uidsProblem(subscribers ?? [], NO_SUBSCRIBER);
  }
  if (problem !== undefined) return failure(problem);
  let uids = 0;
  for (const { channel_id: id, channel_type: type, subscribers } of items) {
    await channels.addMembers({ type, id }, subscribers ?? [], { reset: false });
    uids += subscribers?.length ?? 0;
  }
  return acceptedJson(body, { accepted: items.length, accepted_subscribers: uids });
}

function named<Item>(items: readonly Item[] | null, older: readonly Item[] | null): readonly Item[] {
  return items !== null && items.length > 0 ? items : (older ?? []);
}

function batchProblem(run: Run, count: number, noneText: string): string | undefined {
  if (run.run_id === "") return NO_RUN;
  if (run.batch_id === "") return NO_BATCH;
  if (count === 0) return noneText;
  return count > BATCH_MAX ? `batch size ${count} exceeds max ${BATCH_MAX}` : undefined;
}

function groupProblem(id: string, type: number): string | undefined {
  if (isBlank(id)) return NO_CHANNEL_ID;
  if (hasSpecialCharacters(id)) return BAD_CHANNEL_ID;
  return type === GROUP ? commandLogProblem(id) : ONLY_GROUPS;
}

function acceptedJson({ run_id, batch_id }: Run, counts: { readonly [name: string]: number }): HttpAnswer {
  return bare(writeJson({ run_id, batch_id, ...counts }));
}
