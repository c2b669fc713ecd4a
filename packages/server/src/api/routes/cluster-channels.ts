/** The channels there are, for operators; and how far given ones have come. */
import { fnv1a64, withCommandSuffix } from "@wukong-ts/protocol";
import type { Head } from "../../messaging/message.ts";
import type { ListedChannel } from "../../messaging/row-browser.ts";
import { shardOfChannel } from "../../store/shards.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { storedLog } from "../addressing.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, channelTypeOf, get, integerOf, post } from "../api-route.ts";
import { orBadCursor, pageAnswer, pageOf, pageProblem } from "../browse-page.ts";
import { array, CHANNEL_ID, type Decoded, object, UINT8 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { minuteText, nanoseconds } from "../time-text.ts";

type ChannelDeps = Pick<ApiDeps, "browsing" | "history" | "isLoaded"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};
type Query = HttpRequest["query"];

const STATUS = object("channelStatusReq", {
  channels: array(object("channelBase", { channel_id: CHANNEL_ID, channel_type: UINT8 }), 10_000),
});

/** What a filter compares, and how. */
const FLAG_FILTERS = { ban: "ban", disband: "disband" } as const;
const COUNT_FILTERS = { subscriber: "members", denylist: "deny", allowlist: "allow" } as const;

export function clusterChannelRoutes(deps: ChannelDeps): readonly ApiRoute[] {
  return [
    get("/cluster/channels", (request) => orBadCursor(listChannels(deps, request))),
    post("/cluster/channel/status", STATUS, (body) => statusOf(deps, body)),
  ];
}

async function listChannels(deps: ChannelDeps, { query }: HttpRequest): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const id = query["channel_id"] ?? "";
  const json = (channel: ListedChannel): string => channelJson(channel, deps.history.head(channel.key, "chat"));
  if (id !== "") {
    const rows = deps.browsing.rows.channelsNamed(id).filter((channel) => matches(channel, query));
    return pageAnswer({ rows, cursor: "", cursorBefore: "", hasMore: false }, json);
  }
  const page = await deps.browsing.rows.channels(pageOf(query), (channel) => matches(channel, query));
  return pageAnswer(page, json);
}

function matches({ key, row }: ListedChannel, query: Query): boolean {
  const type = query["channel_type"] ?? "";
  if (type !== "" && channelTypeOf(type) !== 0 && key.type !== channelTypeOf(type)) return false;
  for (const [name, field] of Object.entries(FLAG_FILTERS)) {
    const wanted = query[name] ?? "";
    if (wanted !== "" && row[field] !== (wanted === "1")) return false;
  }
  for (const [name, field] of Object.entries(COUNT_FILTERS)) {
    const least = query[`${name}_count_gte`] ?? "";
    const most = query[`${name}_count_lte`] ?? "";
    if (least !== "" && row[field] < integerOf(least)) return false;
    if (most !== "" && row[field] > integerOf(most)) return false;
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
