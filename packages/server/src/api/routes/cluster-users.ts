/** The users there are, for operators: with their devices as they are stored and what their open connections have moved. */
import { fnv1a64 } from "@wukong-ts/protocol";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import { isUid } from "../../messaging/valid-ids.ts";
import { shardOfUser } from "../../store/shards.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { shape, titled } from "../answer-schema.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { PAGE_QUERY, PAGE_REFUSALS, pageAnswer, pageOf, pageProblem, pageSchema } from "../browse-page.ts";
import { about, type DecodedFields, INT, INT64, UID, UINT64 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { minuteText, nanoseconds } from "../time-text.ts";
import { TRAFFIC, trafficJson } from "../traffic-json.ts";

type UserDeps = Pick<ApiDeps, "browsing" | "users" | "presence" | "connections"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};

const QUERY = { uid: about(UID, "Only this user; left out: all."), ...PAGE_QUERY };

const TEXT = { type: "string" };
const USER = titled(
  "User",
  shape({
    id: UINT64,
    uid: TEXT,
    device_count: about(INT, "Stored devices."),
    online_device_count: about(INT, "Kinds of device with an open connection."),
    conn_count: about(INT, "Open connections; the next four are theirs."),
    ...TRAFFIC,
    created_at: about(INT64, "Of his first device, nanoseconds since 1970; 0: he has none."),
    updated_at: INT64,
    created_at_format: about(TEXT, "As 2026-04-22 06:40, UTC."),
    updated_at_format: TEXT,
    slot: INT,
  }),
);

export function clusterUserRoutes(deps: UserDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/cluster/users",
      tag: "Browsing",
      ports: BOTH_PORTS,
      summary: "The users that are stored, by uid",
      query: QUERY,
      answers: { 200: pageSchema(USER) },
      refusals: PAGE_REFUSALS,
      handle: ({ query }) => listUsers(deps, query),
    }),
  ];
}

async function listUsers(deps: UserDeps, query: DecodedFields<typeof QUERY>): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const { users } = deps.browsing;
  const { uid } = query;
  if (uid !== "") {
    const rows = isUid(uid) && (await users.has(uid)) ? await usersJson(deps, [uid]) : [];
    return pageAnswer({ rows, cursor: "", cursorBefore: "", hasMore: false }, (row) => row);
  }
  const { cursor, isBackwards, limit } = pageOf(query);
  // Whatever it says, it is a place in the order of uids.
  const from = cursor === "" ? undefined : Buffer.from(cursor, "base64url").toString();
  const page = await users.page(from, isBackwards, limit);
  const rows = await usersJson(deps, page.uids);
  const cursorOf = (text = ""): string => Buffer.from(text).toString("base64url");
  return pageAnswer(
    { rows, cursor: cursorOf(page.uids.at(-1)), cursorBefore: cursorOf(page.uids.at(0)), hasMore: page.hasMore },
    (row) => row,
  );
}

/** One look at the connections for all of them. */
async function usersJson(deps: UserDeps, uids: readonly string[]): Promise<readonly string[]> {
  const sessionIds = uids.flatMap((uid) => deps.presence.of(uid).map(({ id }) => id));
  const live = Map.groupBy(await deps.connections.named(sessionIds), ({ session }) => session.uid);
  const rows: string[] = [];
  for (const uid of uids) rows.push(await userJson(deps, uid, live.get(uid) ?? []));
  return rows;
}

/** The times are those of his devices; who has none has none. */
async function userJson({ users, presence }: UserDeps, uid: string, live: readonly LiveConnection[]): Promise<string> {
  const devices = await users.devices(uid);
  const sessions = presence.of(uid);
  const known = devices.filter(({ createdMs }) => createdMs > 0);
  const createdMs = known.length === 0 ? 0 : Math.min(...known.map((device) => device.createdMs));
  const updatedMs = Math.max(0, ...known.map((device) => device.updatedMs));
  return writeJson({
    id: fnv1a64(uid),
    uid,
    device_count: devices.length,
    online_device_count: new Set(sessions.map((session) => session.deviceFlag)).size,
    conn_count: sessions.length,
    ...trafficJson(live),
    created_at: nanoseconds(createdMs),
    updated_at: nanoseconds(updatedMs),
    created_at_format: minuteText(createdMs),
    updated_at_format: minuteText(updatedMs),
    slot: shardOfUser(uid),
  });
}
