/** A user's devices as they are stored, with what their open connections have moved so far. */
import { createHash } from "node:crypto";
import type { KnownDevice } from "../../messaging/users.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { BIT, listOf, shape, titled } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { about, type DecodedFields, INT, INT64, UID, UINT8, UINT64 } from "../json-schema.ts";
import { type JsonValue, writeJson } from "../json-writer.ts";
import { timeText } from "../time-text.ts";

type DeviceDeps = Pick<ApiDeps, "users" | "presence" | "connections">;

const LIMIT_DEFAULT = 20;
const FLAG_NAMES: Readonly<Record<number, string>> = { 0: "APP", 1: "WEB", 2: "PC" };

const QUERY = {
  uid: about(UID, "Needed."),
  device_flag: about(INT, "0 app, 1 web, 2 PC; left out: all."),
  limit: about(INT, "0 or less is 20."),
  offset_created_at: about(INT64, "The created_at of the last device of the page before."),
  pre: about(INT, "1: the page before offset_created_at instead."),
};
const NO_UID = "uid不能为空！";
const TEXT = { type: "string" };
const DEVICE = titled(
  "Device",
  shape({
    id: UINT64,
    uid: TEXT,
    token: TEXT,
    device_flag: UINT8,
    device_flag_format: TEXT,
    device_level: about(BIT, "1: master."),
    device_level_format: TEXT,
    conn_count: about(INT, "Open connections; the next four are theirs."),
    send_msg_count: INT,
    recv_msg_count: INT,
    send_msg_bytes: INT,
    recv_msg_bytes: INT,
    created_at: about(INT64, "Nanoseconds since 1970."),
    updated_at: INT64,
    created_at_format: TEXT,
    updated_at_format: TEXT,
  }),
);

export function deviceRoutes(deps: DeviceDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/cluster/devices",
      tag: "Users",
      summary: "A user's devices",
      query: QUERY,
      answers: { 200: shape({ total: INT, more: BIT, data: listOf(DEVICE) }) },
      refusals: [NO_UID],
      handle: ({ query, request }) => listDevices(deps, query, request),
    }),
  ];
}

/** Newest first; `offset_created_at` goes on behind the last page, with `pre` before the first one. */
async function listDevices(
  deps: DeviceDeps,
  query: DecodedFields<typeof QUERY>,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const { uid, offset_created_at: offset } = query;
  if (uid.trim() === "") return failure(NO_UID);
  const limit = query.limit <= 0 ? LIMIT_DEFAULT : query.limit;
  const isBefore = query.pre === 1;
  const flag = request.query["device_flag"] === undefined ? undefined : query.device_flag;
  const known = (await deps.users.devices(uid))
    .filter((device) => flag === undefined || device.flag === flag)
    .map((device) => ({ device, createdNs: createdNs(device) }))
    .sort((a, b) => (a.createdNs < b.createdNs ? 1 : -1));
  const beyond =
    offset === 0n ? known : known.filter(({ createdNs }) => (isBefore ? createdNs > offset : createdNs < offset));
  const page = isBefore && offset !== 0n ? beyond.slice(-limit) : beyond.slice(0, limit);
  return bare(
    writeJson({
      total: known.length,
      more: beyond.length > page.length ? 1 : 0,
      data: page.map(({ device }) => deviceJson(deps, uid, device)),
    }),
  );
}

function deviceJson({ presence, connections }: DeviceDeps, uid: string, device: KnownDevice): JsonValue {
  const sessions = presence.of(uid).filter((session) => session.deviceFlag === device.flag);
  const live = sessions.flatMap((session) => connections.connection(session.id) ?? []);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    id: deviceId(uid, device.flag),
    uid,
    token: device.token,
    device_flag: device.flag,
    device_flag_format: FLAG_NAMES[device.flag] ?? `未知(${device.flag})`,
    device_level: device.level === "master" ? 1 : 0,
    device_level_format: device.level === "master" ? "主设备" : "从设备",
    conn_count: sessions.length,
    send_msg_count: sum(live.map(({ inMessages }) => inMessages)),
    recv_msg_count: sum(live.map(({ outMessages }) => outMessages)),
    send_msg_bytes: sum(live.map(({ inMessageBytes }) => inMessageBytes)),
    recv_msg_bytes: sum(live.map(({ outMessageBytes }) => outMessageBytes)),
    created_at: createdNs(device),
    updated_at: nanoseconds(device.updatedMs),
    created_at_format: minuteText(device.createdMs),
    updated_at_format: minuteText(device.updatedMs),
  };
}

/** The store has no number for a device: 48 bits of a hash of what names it, the same each time. */
function deviceId(uid: string, flag: number): number {
  return createHash("sha256").update(`${flag} ${uid}`).digest().readUIntBE(0, 6);
}

/** Of two devices made in the same millisecond the flag tells which is first, so that no page border lies between. */
function createdNs(device: KnownDevice): bigint {
  return nanoseconds(device.createdMs) + BigInt(device.flag);
}

function nanoseconds(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}

function minuteText(ms: number): string {
  return timeText(ms).slice(0, "yyyy-MM-dd HH:mm".length).replace("T", " ");
}
