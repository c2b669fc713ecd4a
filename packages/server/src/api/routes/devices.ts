/** Devices as they are stored, with what their open connections have moved so far. Never their tokens. */
import { createHash } from "node:crypto";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import type { ListedDevice } from "../../messaging/row-browser.ts";
import type { KnownDevice } from "../../messaging/users.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get, integerOf } from "../api-route.ts";
import { limitOf, orBadCursor, pageAnswer, pageOf, pageProblem } from "../browse-page.ts";
import { writeJson } from "../json-writer.ts";
import { minuteText, nanoseconds } from "../time-text.ts";
import { trafficJson } from "../traffic-json.ts";

type DeviceDeps = Pick<ApiDeps, "users" | "presence" | "connections" | "browsing"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};
type Query = HttpRequest["query"];

const FLAG_NAMES: Readonly<Record<number, string>> = { 0: "APP", 1: "WEB", 2: "PC" };
/** Says that there is a token, and nothing else about it. */
const MASK = "******";

export function deviceRoutes(deps: DeviceDeps): readonly ApiRoute[] {
  return [
    get("/cluster/devices", ({ query }) =>
      (query["uid"] ?? "").trim() === "" ? orBadCursor(listAll(deps, query)) : listOf(deps, query["uid"] ?? "", query),
    ),
  ];
}

async function listAll(deps: DeviceDeps, query: Query): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const flag = flagOf(query);
  const page = await deps.browsing.rows.devices(pageOf(query), (device) => flag === undefined || device.flag === flag);
  return pageAnswer({ ...page, rows: await devicesJson(deps, page.rows) }, (row) => row);
}

/** Newest first; `offset_created_at` goes on behind the last page, with `pre` before the first one. */
async function listOf(deps: DeviceDeps, uid: string, query: Query): Promise<HttpAnswer> {
  const limit = limitOf(query);
  const isBefore = query["pre"] === "1";
  const offset = offsetOf(query["offset_created_at"]);
  const flag = flagOf(query);
  const known = (await deps.users.devices(uid))
    .filter((device) => flag === undefined || device.flag === flag)
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

function flagOf(query: Query): number | undefined {
  const text = query["device_flag"] ?? "";
  return text === "" ? undefined : integerOf(text);
}

function offsetOf(text: string | undefined): bigint {
  return text !== undefined && /^[0-9]{1,19}$/.test(text) ? BigInt(text) : 0n;
}
