/** The channels there are, for operators; and how far given ones have come. */
import { fnv1a64, withCommandSuffix } from "@wukong-ts/protocol";
import type { Head } from "../../messaging/message.ts";
import type { ListedChannel } from "../../messaging/row-browser.ts";
import { shardOfChannel } from "../../store/shards.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { storedLog } from "../addressing.ts";
import { BIT, listOf, shape, titled } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import {
  ANY,
  FILTER,
  orBadCursor,
  PAGE_QUERY,
  PAGE_REFUSALS,
  pageAnswer,
  pageOf,
  pageProblem,
  pageSchema,
} from "../browse-page.ts";
import {
  about,
  array,
  CHANNEL_ID,
  type Decoded,
  type DecodedFields,
  INT,
  INT64,
  object,
  UINT8,
  UINT64,
} from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { minuteText, nanoseconds } from "../time-text.ts";

type ChannelDeps = Pick<ApiDeps, "browsing" | "history" | "isLoaded"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};

const STATUS = object("channelStatusReq", {
  channels: array(object("channelBase", { channel_id: CHANNEL_ID, channel_type: UINT8 }), 10_000),
});

/** What a filter compares, and how. */
const FLAG_FILTERS = [
  ["ban", "ban"],
  ["disband", "disband"],
] as const;
const COUNT_FILTERS = [
  ["subscriber", "members"],
  ["denylist", "deny"],
  ["allowlist", "allow"],
] as const;

const YES_OR_NO = about(FILTER, "1: only those; 0: only the others; left out: all.");
const MOST = about(FILTER, "Left out: no bound.");
const QUERY = {
  channel_id: about(CHANNEL_ID, "Only channels with this stored id, of any type; left out: all."),
  channel_type: about(UINT8, "0: all."),
  ban: YES_OR_NO,
  disband: YES_OR_NO,
  subscriber_count_gte: about(INT, "At least so many members."),
  subscriber_count_lte: MOST,
  denylist_count_gte: INT,
  denylist_count_lte: MOST,
  allowlist_count_gte: INT,
  allowlist_count_lte: MOST,
  ...PAGE_QUERY,
};
type Query = DecodedFields<typeof QUERY>;

const TEXT = { type: "string" };
const NANOSECONDS = about(INT64, "Nanoseconds since 1970.");
const LISTED = titled(
  "ListedChannel",
  shape({
    id: UINT64,
    slot: INT,
    channel_id: about(TEXT, "As it is stored."),
    channel_type: UINT8,
    ban: BIT,
    disband: BIT,
    subscriber_count: INT,
    allowlist_count: INT,
    denylist_count: INT,
    last_msg_seq: UINT64,
    last_msg_time: NANOSECONDS,
    last_msg_time_format: about(TEXT, "As 2026-04-22 06:40, UTC."),
    status_format: about(TEXT, "正常 (normal), 封禁 (banned) or 解散 (disbanded)."),
    created_at: NANOSECONDS,
    updated_at: NANOSECONDS,
    created_at_format: TEXT,
    updated_at_format: TEXT,
  }),
);
const STATUSES = listOf(
  shape({
    channel_id: TEXT,
    channel_type: UINT8,
    running: about(BIT, "1: in memory."),
    last_msg_seq: UINT64,
    last_msg_time: NANOSECONDS,
  }),
);

export function clusterChannelRoutes(deps: ChannelDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/cluster/channels",
      tag: "Browsing",
      ports: BOTH_PORTS,
      summary: "The channels that are stored",
      query: QUERY,
      answers: { 200: pageSchema(LISTED) },
      refusals: PAGE_REFUSALS,
      handle: ({ query }) => orBadCursor(listChannels(deps, query)),
    }),
    route({
      method: "POST",
      path: "/cluster/channel/status",
      tag: "Browsing",
      ports: BOTH_PORTS,
      summary: "How far some channels have come",
      details: "By their stored ids; with ____cmd behind one its command log.",
      body: STATUS,
      answers: { 200: STATUSES },
      example: {
        body: { channels: [{ channel_id: "group1", channel_type: 2 }] },
        answer: [{ channel_id: "group1", channel_type: 2, running: 1, last_msg_seq: 0, last_msg_time: 0 }],
      },
      handle: ({ body }) => statusOf(deps, body),
    }),
  ];
}

async function listChannels(deps: ChannelDeps, query: Query): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const { channel_id: id } = query;
  const json = (channel: ListedChannel): string => channelJson(channel, deps.history.head(channel.key, "chat"));
  if (id !== "") {
    const rows = deps.browsing.rows.channelsNamed(id).filter((channel) => matches(channel, query));
    return pageAnswer({ rows, cursor: "", cursorBefore: "", hasMore: false }, json);
  }
  const page = await deps.browsing.rows.channels(pageOf(query), (channel) => matches(channel, query));
  return pageAnswer(page, json);
}

function matches({ key, row }: ListedChannel, query: Query): boolean {
  if (query.channel_type !== 0 && key.type !== query.channel_type) return false;
  for (const [name, field] of FLAG_FILTERS) if (query[name] !== ANY && row[field] !== (query[name] === 1)) return false;
  for (const [name, field] of COUNT_FILTERS) {
    const most = query[`${name}_count_lte`];
    if (row[field] < query[`${name}_count_gte`] || (most !== ANY && row[field] > most)) return false;
  }
  return true;
}

function channelJson({ key, row }: ListedChannel, head: Head): string {
  return writeJson({
    id: fnv1a64(`${key.id}-${key.type}`),
    slot: shardOfChannel(key),
    channel_id: key.id,
    channel_type: key.type,
    ban: row.ban ? 1 : 0,
    disband: row.disband ? 1 : 0,
    subscriber_count: row.members,
    allowlist_count: row.allow,
    denylist_count: row.deny,
    last_msg_seq: head.seq,
    last_msg_time: nanoseconds(head.timeSeconds * 1000),
    last_msg_time_format: minuteText(head.timeSeconds * 1000),
    status_format: row.disband ? "解散" : row.ban ? "封禁" : "正常",
    created_at: nanoseconds(row.createdMs),
    updated_at: nanoseconds(row.updatedMs),
    created_at_format: minuteText(row.createdMs),
    updated_at_format: minuteText(row.updatedMs),
  });
}

/** Running is what has its channel in memory. Takes stored ids, command logs too. */
function statusOf({ history, isLoaded }: ChannelDeps, body: Decoded<typeof STATUS>): HttpAnswer {
  const entries = (body.channels ?? []).map(({ channel_id: id, channel_type: type }) => {
    const { channel, log } = storedLog(id, type);
    const head = history.head(channel, log);
    return {
      channel_id: log === "command" ? withCommandSuffix(channel.id) : channel.id,
      channel_type: type,
      running: isLoaded(channel) ? 1 : 0,
      last_msg_seq: head.seq,
      last_msg_time: nanoseconds(head.timeSeconds * 1000),
    };
  });
  return bare(writeJson(entries));
}
