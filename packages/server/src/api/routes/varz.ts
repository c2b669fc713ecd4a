/** The server's own numbers, as wkcli and dashboards read them. */
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { BIT, listOf, shape } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { durationText } from "../duration-text.ts";
import { about, type DecodedFields, INT, text } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { isHere, NODE } from "../node-id.ts";
import { busiestConnections, CONNECTION } from "./connections.ts";
import { ADDRESS_QUERY, ADDRESSES, addressesFor } from "./routing.ts";

type VarzDeps = Pick<ApiDeps, "world" | "connections" | "presence" | "status"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId" | "addresses" | "managerToken" | "managerUid">;
};

const SETTINGS = { logger: { trace_on: 0, loki_on: 0 }, prometheus_on: 0, stress_on: 0 };

const QUERY = {
  ...ADDRESS_QUERY,
  show: about(text(), "conn: with the connections from which the most messages came."),
  conn_limit: about(INT, "How many of them; 0 or less is 20."),
  node_id: NODE,
};

const TEXT = { type: "string" };
const NOT_HERE = about(INT, "Always 0: there is nothing of the kind.");
const VARZ = shape(
  {
    server_id: about(TEXT, "The node's id."),
    server_name: TEXT,
    version: about(TEXT, "Of the program."),
    connections: about(INT, "All sockets, logged in or not."),
    user_handler_count: about(INT, "Users with a connection."),
    user_handler_conn_count: about(INT, "Their connections."),
    uptime: about(TEXT, "As 2d3h4m5s."),
    goroutine: INT,
    mem: about(INT, "Bytes of memory of the process."),
    cpu: about({ type: "number" }, "Percent of one processor."),
    in_msgs: about(INT, "Messages from clients since the start; the next three likewise."),
    out_msgs: INT,
    in_bytes: INT,
    out_bytes: INT,
    slow_clients: NOT_HERE,
    retry_queue: about(INT, "Pushed messages that no client has acknowledged yet."),
    ...ADDRESSES,
    manager_addr: about(TEXT, "Empty: there is no manager port."),
    manager_on: BIT,
    commit: TEXT,
    commit_date: TEXT,
    tree_state: TEXT,
    api_url: TEXT,
    manager_uid: TEXT,
    manager_token_on: about(BIT, "1: managerToken is configured."),
    conversation_cache_count: NOT_HERE,
    conns: about(listOf(CONNECTION), "With show=conn."),
  },
  ["conns"],
);
const EXAMPLE = {
  server_id: "1001",
  server_name: "WuKongIM",
  version: "1.0.0",
  connections: 0,
  user_handler_count: 0,
  user_handler_conn_count: 0,
  uptime: "2d3h4m5s",
  goroutine: 1,
  mem: 135_958_528,
  cpu: 3.25,
  in_msgs: 0,
  out_msgs: 0,
  in_bytes: 0,
  out_bytes: 0,
  slow_clients: 0,
  retry_queue: 0,
  tcp_addr: "127.0.0.1:5100",
  ws_addr: "ws://127.0.0.1:5200",
  wss_addr: "",
  manager_addr: "127.0.0.1:5300",
  manager_on: 1,
  commit: "",
  commit_date: "",
  tree_state: "",
  api_url: "",
  manager_uid: "____manager",
  manager_token_on: 0,
  conversation_cache_count: 0,
} as const;
const SETTINGS_SHAPE = shape({ logger: shape({ trace_on: BIT, loki_on: BIT }), prometheus_on: BIT, stress_on: BIT });

const NO_SUCH_NODE = "node not found";

export function varzRoutes(deps: VarzDeps): readonly ApiRoute[] {
  const common = { method: "GET", tag: "Server", ports: BOTH_PORTS } as const;
  return [
    route({
      ...common,
      path: "/varz",
      summary: "The server's own numbers",
      query: QUERY,
      answers: { 200: VARZ },
      refusals: [NO_SUCH_NODE],
      example: { answer: EXAMPLE },
      handle: ({ query, request }) => varz(deps, query, request),
    }),
    route({
      ...common,
      path: "/varz/setting",
      summary: "What the web UI shows or hides",
      answers: { 200: SETTINGS_SHAPE },
      example: { answer: SETTINGS },
      handle: () => bare(writeJson(SETTINGS)),
    }),
  ];
}

/**
 * Numbers of things that are not here are 0: there is one thread of JavaScript and no cache of conversations that could be
 * lost. Messages and bytes are counted since the start, closed connections included.
 */
async function varz(deps: VarzDeps, query: DecodedFields<typeof QUERY>, { headers }: HttpRequest): Promise<HttpAnswer> {
  const { connections, presence, status, options } = deps;
  if (!isHere(query.node_id, options.nodeId)) return failure(NO_SUCH_NODE);
  const addresses = addressesFor(headers, query, options.addresses);
  const usage = status.usage();
  const traffic = await connections.traffic();
  const json = writeJson({
    server_id: String(options.nodeId),
    server_name: "WuKongIM",
    version: status.version,
    connections: connections.socketCount,
    user_handler_count: presence.userCount,
    user_handler_conn_count: presence.count,
    uptime: durationText(status.uptimeMs()),
    goroutine: 1,
    mem: usage.residentBytes,
    cpu: Math.round(usage.cpuPercent * 100) / 100,
    in_msgs: traffic.inMessages,
    out_msgs: traffic.outMessages,
    in_bytes: traffic.inPacketBytes,
    out_bytes: traffic.outPacketBytes,
    slow_clients: 0,
    retry_queue: status.unacknowledged(),
    ...addresses,
    manager_addr: status.managerAddress,
    manager_on: status.managerAddress === "" ? 0 : 1,
    commit: "",
    commit_date: "",
    tree_state: "",
    api_url: "",
    manager_uid: options.managerUid,
    manager_token_on: options.managerToken.trim() === "" ? 0 : 1,
    conversation_cache_count: 0,
  });
  if (query.show !== "conn") return bare(json);
  return bare(`${json.slice(0, -1)},"conns":${await busiestConnections(deps, query.conn_limit)}}`);
}
