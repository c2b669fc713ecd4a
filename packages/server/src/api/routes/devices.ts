/** A user's devices as they are stored, with what their open connections have moved so far. */
import { createHash } from "node:crypto";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import type { Session } from "../../delivery/session.ts";
import type { KnownDevice } from "../../messaging/users.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get, integerOf } from "../api-route.ts";
import { type JsonValue, writeJson } from "../json-writer.ts";
import { timeText } from "../time-text.ts";

type DeviceDeps = Pick<ApiDeps, "users" | "presence" | "connections">;

const LIMIT_DEFAULT = 20;
const FLAG_NAMES: Readonly<Record<number, string>> = { 0: "APP", 1: "WEB", 2: "PC" };

export function deviceRoutes(deps: DeviceDeps): readonly ApiRoute[] {
  return [get("/cluster/devices", (request) => listDevices(deps, request))];
}

/** Newest first; `offset_created_at` goes on behind the last page, with `pre` before the first one. */
async function listDevices(deps: DeviceDeps, { query }: HttpRequest): Promise<HttpAnswer> {
  const uid = query["uid"] ?? "";
  if (uid.trim() === "") return failure("uid不能为空！");
  const asked = integerOf(query["limit"]);
  const limit = asked <= 0 ? LIMIT_DEFAULT : asked;
  const isBefore = query["pre"] === "1";
  const offset = nanosecondsOf(query["offset_created_at"]);
  const flag = query["device_flag"] === undefined ? undefined : integerOf(query["device_flag"]);
  const known = (await deps.users.devices(uid))
    .filter((device) => flag === undefined || device.flag === flag)
    .map((device) => ({ device, createdNs: createdNs(device) }))
    .sort((a, b) => (a.createdNs < b.createdNs ? 1 : -1));
  const beyond =
    offset === 0n ? known : known.filter(({ createdNs }) => (isBefore ? createdNs > offset : createdNs < offset));
  const page = isBefore && offset !== 0n ? beyond.slice(-limit) : beyond.slice(0, limit);
  const sessions = [...deps.presence.of(uid)];
  const live = await deps.connections.named(sessions.map(({ id }) => id));
  return bare(
    writeJson({
      total: known.length,
      more: beyond.length > page.length ? 1 : 0,
      data: page.map(({ device }) => deviceJson(uid, device, sessions, live)),
    }),
  );
}

function deviceJson(
  uid: string,
  device: KnownDevice,
  sessionsOfUser: readonly Session[],
  liveOfUser: readonly LiveConnection[],
): JsonValue {
  const sessions = sessionsOfUser.filter(({ deviceFlag }) => deviceFlag === device.flag);
  const live = liveOfUser.filter(({ session }) => session.deviceFlag === device.flag);
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

function nanosecondsOf(text: string | undefined): bigint {
  return text !== undefined && /^[0-9]{1,19}$/.test(text) ? BigInt(text) : 0n;
}

function minuteText(ms: number): string {
  return timeText(ms).slice(0, "yyyy-MM-dd HH:mm".length).replace("T", " ");
}
