/** Devices as they are stored, with what their open connections have moved so far. Never their tokens. */
import { createHash } from "node:crypto";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import type { ListedDevice } from "../../messaging/row-browser.ts";
import type { KnownDevice } from "../../messaging/users.ts";
import type { HttpAnswer } from "../../world/world.ts";
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
} from "../browse-page.ts";
import { isBlank } from "../id-checks.ts";
import { about, type DecodedFields, INT, INT64, UID, UINT8, UINT64 } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { minuteText, nanoseconds } from "../time-text.ts";
import { TRAFFIC, trafficJson } from "../traffic-json.ts";

type DeviceDeps = Pick<ApiDeps, "users" | "presence" | "connections" | "browsing"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};

const FLAG_NAMES: Readonly<Record<number, string>> = { 0: "APP", 1: "WEB", 2: "PC" };
/** Says that there is a token, and nothing else about it. */
const MASK = "******";

const QUERY = {
  uid: about(UID, "His devices, newest first; left out: those of all users."),
  device_flag: about(FILTER, "0 app, 1 web, 2 PC; left out: all."),
  ...PAGE_QUERY,
  offset_created_at: about(
    INT64,
    "With uid: the created_at of the last device of the page before, or with pre=1 of the first one of the page behind. Without: refused, but for 0.",
  ),
};
type Query = DecodedFields<typeof QUERY>;

const TEXT = { type: "string" };
const DEVICE = titled(
  "Device",
  shape({
    id: UINT64,
    uid: TEXT,
    token: about(TEXT, `${MASK} when there is one.`),
    device_flag: UINT8,
    device_flag_format: about(TEXT, "APP, WEB, PC or 未知 with the flag."),
    device_level: about(BIT, "1: master."),
    device_level_format: TEXT,
    conn_count: about(INT, "Open connections; the next four are theirs."),
    ...TRAFFIC,
    created_at: about(INT64, "Nanoseconds since 1970."),
    updated_at: INT64,
    created_at_format: about(TEXT, "As 2026-04-22 06:40, UTC."),
    updated_at_format: TEXT,
  }),
);
const PAGE = shape(
  {
    total: about(INT, "With uid all that fit; without 0: nobody counts them."),
    more: BIT,
    cursor: about(TEXT, "This and the next only without uid."),
    pre_cursor: TEXT,
    data: listOf(DEVICE),
  },
  ["cursor", "pre_cursor"],
);

export function deviceRoutes(deps: DeviceDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/cluster/devices",
      tag: "Browsing",
      ports: BOTH_PORTS,
      summary: "The devices that are stored",
      details: "Without uid pages go by cursor; with it they go by offset_created_at.",
      query: QUERY,
      answers: { 200: PAGE },
      refusals: PAGE_REFUSALS,
      handle: ({ query }) => (isBlank(query.uid) ? orBadCursor(listAll(deps, query)) : listOfUser(deps, query)),
    }),
  ];
}

async function listAll(deps: DeviceDeps, query: Query): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const page = await deps.browsing.rows.devices(pageOf(query), (device) => isWanted(query, device));
  return pageAnswer({ ...page, rows: await devicesJson(deps, page.rows) }, (row) => row);
}

function isWanted({ device_flag: flag }: Query, device: KnownDevice): boolean {
  return flag === ANY || device.flag === flag;
}

/** Newest first; `offset_created_at` goes on behind the last page, with `pre` before the first one. */
async function listOfUser(deps: DeviceDeps, query: Query): Promise<HttpAnswer> {
  const { uid, offset_created_at: offset } = query;
  const { limit, isBackwards: isBefore } = pageOf(query);
  const known = (await deps.users.devices(uid))
    .filter((device) => isWanted(query, device))
    .map((device) => ({ device, createdNs: createdNs(device) }))
    .sort((a, b) => (a.createdNs < b.createdNs ? 1 : -1));
  const beyond =
    offset === 0n ? known : known.filter(({ createdNs }) => (isBefore ? createdNs > offset : createdNs < offset));
  const page = isBefore && offset !== 0n ? beyond.slice(-limit) : beyond.slice(0, limit);
  const data = await devicesJson(
    deps,
    page.map(({ device }) => ({ uid, device })),
  );
  return bare(`{"total":${known.length},"more":${beyond.length > page.length ? 1 : 0},"data":[${data.join(",")}]}`);
}

/** One look at the connections for all of them. */
async function devicesJson(
  { presence, connections }: DeviceDeps,
  devices: readonly ListedDevice[],
): Promise<readonly string[]> {
  const sessions = devices.map(({ uid, device }) =>
    presence.of(uid).flatMap((session) => (session.deviceFlag === device.flag ? session.id : [])),
  );
  const live = new Map((await connections.named(sessions.flat())).map((one) => [one.session.id, one]));
  return devices.map((listed, index) => {
    const ids = sessions[index] ?? [];
    return deviceJson(
      listed,
      ids.length,
      ids.flatMap((id) => live.get(id) ?? []),
    );
  });
}

function deviceJson({ uid, device }: ListedDevice, sessions: number, live: readonly LiveConnection[]): string {
  return writeJson({
    id: deviceId(uid, device.flag),
    uid,
    token: device.token === "" ? "" : MASK,
    device_flag: device.flag,
    device_flag_format: FLAG_NAMES[device.flag] ?? `未知(${device.flag})`,
    device_level: device.level === "master" ? 1 : 0,
    device_level_format: device.level === "master" ? "主设备" : "从设备",
    conn_count: sessions,
    ...trafficJson(live),
    created_at: createdNs(device),
    updated_at: nanoseconds(device.updatedMs),
    created_at_format: minuteText(device.createdMs),
    updated_at_format: minuteText(device.updatedMs),
  });
}

/** The store has no number for a device: 48 bits of a hash of what names it, the same each time. */
function deviceId(uid: string, flag: number): number {
  return createHash("sha256").update(`${flag} ${uid}`).digest().readUIntBE(0, 6);
}

/** Of two devices made in the same millisecond the flag tells which is first, so that no page border lies between. */
function createdNs(device: KnownDevice): bigint {
  return nanoseconds(device.createdMs) + BigInt(device.flag);
}
