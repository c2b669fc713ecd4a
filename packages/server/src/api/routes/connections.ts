/** Open connections: listed for operators, and ended one by one. */
import { Reason } from "@wukong-ts/protocol";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get, integerOf, post } from "../api-route.ts";
import { durationText } from "../duration-text.ts";
import { type Decoded, INT64, object, UID, UINT64 } from "../json-schema.ts";
import { writeJson, writeList, writeText } from "../json-writer.ts";
import { timeText } from "../time-text.ts";

type ConnectionDeps = Pick<ApiDeps, "world" | "connections" | "outbound" | "presence"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};
type SortKey = (connection: LiveConnection) => number;

const NAMED = object("connReq", { uid: UID, conn_id: INT64, node_id: UINT64, op_node_id: UINT64 });

const KICK_TEXT = "server kick";
/** A client has time to show why. */
const KICK_CLOSE_MS = 2_000;
const LIMIT_DEFAULT = 20;

/** With "Desc" behind the name: the other way round. */
const SORT_KEYS: Readonly<Record<string, SortKey>> = {
  id: ({ session }) => session.id,
  inMsg: ({ inMessages }) => inMessages,
  outMsg: ({ outMessages }) => outMessages,
  inMsgBytes: ({ inMessageBytes }) => inMessageBytes,
  outMsgBytes: ({ outMessageBytes }) => outMessageBytes,
  inPacket: ({ inPackets }) => inPackets,
  outPacket: ({ outPackets }) => outPackets,
  inPacketBytes: ({ inPacketBytes }) => inPacketBytes,
  outPacketBytes: ({ outPacketBytes }) => outPacketBytes,
  pendingBytes: ({ pendingBytes }) => pendingBytes,
  uptime: ({ ageMs }) => ageMs,
  idle: ({ idleMs }) => idleMs,
  protoVersion: ({ session }) => session.version,
};

export function connectionRoutes(deps: ConnectionDeps): readonly ApiRoute[] {
  return [
    get("/connz", (request) => listConnections(deps, request)),
    post("/conn/kick", NAMED, (body) => end(deps, body, Reason.connectKick, KICK_CLOSE_MS)),
    post("/conn/remove", NAMED, (body) => end(deps, body, null, 0)),
  ];
}

/** A connection that is not there has ended already: that is no error. */
function end(
  { presence, outbound, options }: ConnectionDeps,
  body: Decoded<typeof NAMED>,
  reason: number | null,
  closeAfterMs: number,
): HttpAnswer {
  if (!isHere(body.op_node_id, options.nodeId)) return failure("node not found");
  if (body.conn_id === 0n) return failure("conn_id is 0");
  const id = Number(body.conn_id);
  if (isHere(body.node_id, options.nodeId) && presence.session(id)?.uid === body.uid) {
    outbound.disconnect([id], reason, KICK_TEXT, closeAfterMs);
  }
  return ok();
}

async function listConnections(deps: ConnectionDeps, { query }: HttpRequest): Promise<HttpAnswer> {
  const { world, connections, options } = deps;
  if (!isHere(BigInt(integerOf(query["node_id"])), options.nodeId)) return failure("节点不存在！");
  const offset = Math.max(0, integerOf(query["offset"]));
  const asked = integerOf(query["limit"]);
  const limit = asked <= 0 ? LIMIT_DEFAULT : asked;
  const uidPart = query["uid"] ?? "";
  const found = await sorted(deps, uidPart.trim() === "" ? "" : uidPart, query["sort"] || "id", offset + limit);
  const nowMs = world.clock.wallMs();
  const list = await writeList(
    found.slice(offset),
    (connection) => connectionJson(connection, nowMs, options.nodeId),
    world.timers,
  );
  const now = writeText(timeText(nowMs));
  const total = connections.socketCount;
  return bare(`{"connections":${list},"now":${now},"total":${total},"offset":${offset},"limit":${limit}}`);
}

/** The first `count` in order. Page by page, so that 100,000 connections hold nobody up. */
async function sorted(
  { world, connections }: ConnectionDeps,
  uidPart: string,
  sort: string,
  count: number,
): Promise<readonly LiveConnection[]> {
  const order = orderOf(sort);
  let found: LiveConnection[] = [];
  for await (const page of connections.pages()) {
    for (const connection of page) if (connection.session.uid.includes(uidPart)) found.push(connection);
    found = found.sort(order).slice(0, count);
    await new Promise<void>((resolve) => world.timers.soon(resolve));
  }
  return found;
}

/** An unknown name leaves them in the order in which they came. */
function orderOf(sort: string): (a: LiveConnection, b: LiveConnection) => number {
  const isDescending = sort.endsWith("Desc");
  const name = isDescending ? sort.slice(0, -"Desc".length) : sort;
  const keyOf = Object.hasOwn(SORT_KEYS, name) ? SORT_KEYS[name] : undefined;
  if (keyOf === undefined) return () => 0;
  return isDescending ? (a, b) => keyOf(b) - keyOf(a) : (a, b) => keyOf(a) - keyOf(b);
}

function connectionJson(connection: LiveConnection, nowMs: number, nodeId: number): string {
  const { session } = connection;
  return writeJson({
    id: session.id,
    uid: session.uid,
    ip: connection.ip,
    port: connection.port,
    last_activity: timeText(nowMs - Math.round(connection.idleMs)),
    uptime: durationText(connection.ageMs),
    idle: durationText(connection.idleMs),
    pending_bytes: connection.pendingBytes,
    in_msgs: connection.inMessages,
    out_msgs: connection.outMessages,
    in_msg_bytes: connection.inMessageBytes,
    out_msg_bytes: connection.outMessageBytes,
    in_packets: connection.inPackets,
    out_packets: connection.outPackets,
    in_packet_bytes: connection.inPacketBytes,
    out_packet_bytes: connection.outPacketBytes,
    device: `${DEVICE_NAMES[session.deviceFlag] ?? "未知"}(${session.deviceLevel === "master" ? "主" : "从"})`,
    device_id: session.deviceId,
    version: session.version,
    proxy_type_format: "本地连接",
    leader_id: nodeId,
    node_id: nodeId,
  });
}

const DEVICE_NAMES: Readonly<Record<number, string>> = { 0: "App", 1: "Web", 2: "PC" };

function isHere(node: bigint, nodeId: number): boolean {
  return node === 0n || node === BigInt(nodeId);
}
