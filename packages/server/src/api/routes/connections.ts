/** Open connections: listed for operators, and ended one by one. */
import { Reason } from "@wukong-ts/protocol";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { listOf, SUCCESS, shape, titled } from "../answer-schema.ts";
import { bare, failure, NO_PERMISSION, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { durationText } from "../duration-text.ts";
import {
  about,
  type Decoded,
  type DecodedFields,
  INT,
  INT64,
  type JsonSchema,
  object,
  text,
  UID,
  UINT8,
  UINT64,
} from "../json-schema.ts";
import { writeJson, writeList, writeText } from "../json-writer.ts";
import { isHere, NODE } from "../node-id.ts";
import { timeText } from "../time-text.ts";

type ListDeps = Pick<ApiDeps, "world" | "connections"> & { readonly options: Pick<ApiDeps["options"], "nodeId"> };
type ConnectionDeps = ListDeps & Pick<ApiDeps, "outbound" | "presence">;
type SortKey = (connection: LiveConnection) => number;

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

const NAMED = object(
  "connReq",
  {
    uid: about(UID, "Whose connection it is."),
    conn_id: about(INT64, "As /connz shows it."),
    node_id: about(UINT64, "Where the connection is; 0: here."),
    op_node_id: about(UINT64, "Who is to do it; 0: this server."),
  },
  ["uid", "conn_id"],
);
const LIST_QUERY = {
  uid: about(text(), "Only uids that contain it."),
  sort: about(text(), `${Object.keys(SORT_KEYS).join(", ")}; with Desc behind it the other way round. Empty: id.`),
  offset: INT,
  limit: about(INT, "0 or less is 20."),
  node_id: NODE,
};

const TIME = { type: "string", format: "date-time" };
const TEXT = { type: "string" };
export const CONNECTION: JsonSchema = titled(
  "Connection",
  shape({
    id: INT64,
    uid: TEXT,
    ip: TEXT,
    port: INT,
    last_activity: TIME,
    uptime: about(TEXT, "As 5s, 4m5s, 3h4m5s or 2d3h4m5s."),
    idle: TEXT,
    pending_bytes: about(INT, "Bytes that wait to be sent."),
    in_msgs: about(INT, "Messages from the client."),
    out_msgs: about(INT, "Messages to the client."),
    in_msg_bytes: INT,
    out_msg_bytes: INT,
    in_packets: INT,
    out_packets: INT,
    in_packet_bytes: INT,
    out_packet_bytes: INT,
    device: about(TEXT, "Kind and level: App, Web, PC or 未知, with 主 (master) or 从 (slave)."),
    device_id: TEXT,
    version: about(UINT8, "Of the protocol."),
    proxy_type_format: TEXT,
    leader_id: UINT64,
    node_id: UINT64,
  }),
);
const CONNECTIONS = shape({
  connections: listOf(CONNECTION),
  now: TIME,
  total: about(INT, "All sockets, logged in or not, whatever is asked for."),
  offset: INT,
  limit: INT,
});

/** In the words of the list, and of the calls that end a connection. */
const NO_SUCH_NODE_LISTED = "节点不存在！";
const NO_SUCH_NODE = "node not found";
const NO_CONNECTION_ID = "conn_id is 0";

const CONNECTION_EXAMPLE = {
  id: 17,
  uid: "alice",
  ip: "127.0.0.1",
  port: 38312,
  last_activity: "2026-04-22T06:45:00.000Z",
  uptime: "4m5s",
  idle: "5s",
  pending_bytes: 0,
  in_msgs: 0,
  out_msgs: 0,
  in_msg_bytes: 0,
  out_msg_bytes: 0,
  in_packets: 5,
  out_packets: 5,
  in_packet_bytes: 109,
  out_packet_bytes: 88,
  device: "App(从)",
  device_id: "fa4a96d2-c875-4e8e-9322-a9487e442e6e",
  version: 5,
  proxy_type_format: "本地连接",
  leader_id: 1001,
  node_id: 1001,
} as const;

const KICK_TEXT = "server kick";
/** A client has time to show why. */
const KICK_CLOSE_MS = 2_000;
const LIMIT_DEFAULT = 20;

export function connectionRoutes(deps: ConnectionDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/connz",
      tag: "Connections",
      ports: BOTH_PORTS,
      summary: "The open connections of users",
      query: LIST_QUERY,
      answers: { 200: CONNECTIONS },
      refusals: [NO_SUCH_NODE_LISTED],
      example: {
        query: "?uid=ali",
        answer: {
          connections: [CONNECTION_EXAMPLE],
          now: "2026-04-22T06:45:05.000Z",
          total: 1,
          offset: 0,
          limit: 20,
        },
      },
      handle: ({ query }) => listConnections(deps, query),
    }),
    route({
      method: "POST",
      path: "/conn/kick",
      tag: "Connections",
      ports: BOTH_PORTS,
      summary: "Tell a client to go, and close its connection after 2 seconds",
      details:
        "On the manager port only with the permission to write conn. A connection that is not there has ended already: that is no error.",
      body: NAMED,
      answers: { 200: SUCCESS },
      refusals: [NO_SUCH_NODE, NO_CONNECTION_ID, NO_PERMISSION],
      example: { body: { uid: "alice", conn_id: 17 }, answer: { status: 200 } },
      handle: ({ body }) => end(deps, body, Reason.connectKick, KICK_CLOSE_MS),
    }),
    route({
      method: "POST",
      path: "/conn/remove",
      tag: "Connections",
      ports: BOTH_PORTS,
      summary: "Close a connection at once",
      details: "As /conn/kick, without a word to the client.",
      body: NAMED,
      answers: { 200: SUCCESS },
      refusals: [NO_SUCH_NODE, NO_CONNECTION_ID, NO_PERMISSION],
      handle: ({ body }) => end(deps, body, null, 0),
    }),
  ];
}

/** A connection that is not there has ended already: that is no error. */
function end(
  { presence, outbound, options }: ConnectionDeps,
  body: Decoded<typeof NAMED>,
  reason: number | null,
  closeAfterMs: number,
): HttpAnswer {
  if (!isHere(body.op_node_id, options.nodeId)) return failure(NO_SUCH_NODE);
  if (body.conn_id === 0n) return failure(NO_CONNECTION_ID);
  const id = Number(body.conn_id);
  if (isHere(body.node_id, options.nodeId) && presence.session(id)?.uid === body.uid) {
    outbound.disconnect([id], reason, KICK_TEXT, closeAfterMs);
  }
  return ok();
}

async function listConnections(deps: ListDeps, query: DecodedFields<typeof LIST_QUERY>): Promise<HttpAnswer> {
  const { world, connections, options } = deps;
  if (!isHere(query.node_id, options.nodeId)) return failure(NO_SUCH_NODE_LISTED);
  const offset = Math.max(0, query.offset);
  const limit = query.limit <= 0 ? LIMIT_DEFAULT : query.limit;
  const uidPart = query.uid.trim() === "" ? "" : query.uid;
  const found = await sorted(deps, uidPart, query.sort || "id", offset + limit);
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

/** For /varz: those that have sent the most, as JSON. */
export async function busiestConnections(deps: ListDeps, limit: number): Promise<string> {
  const found = await sorted(deps, "", "inMsgDesc", limit <= 0 ? LIMIT_DEFAULT : limit);
  const nowMs = deps.world.clock.wallMs();
  const json = (connection: LiveConnection): string => connectionJson(connection, nowMs, deps.options.nodeId);
  return writeList(found, json, deps.world.timers);
}

/** The first `count` in order. Page by page, so that 100,000 connections hold nobody up. */
async function sorted(
  { world, connections }: ListDeps,
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
