/** The server's own numbers, as wkcli and dashboards read them. */
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get, integerOf } from "../api-route.ts";
import { durationText } from "../duration-text.ts";
import { writeJson } from "../json-writer.ts";
import { busiestConnections } from "./connections.ts";
import { addressesFor } from "./routing.ts";

type VarzDeps = Pick<ApiDeps, "world" | "connections" | "presence" | "status"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId" | "addresses" | "managerToken" | "managerUid">;
};

const SETTINGS = '{"logger":{"trace_on":0,"loki_on":0},"prometheus_on":0,"stress_on":0}';

export function varzRoutes(deps: VarzDeps): readonly ApiRoute[] {
  return [get("/varz", (request) => varz(deps, request)), get("/varz/setting", () => bare(SETTINGS))];
}

/**
 * Numbers of things that are not here are 0: there is one thread of JavaScript and no cache of conversations that could be
 * lost. Messages and bytes are counted since the start, closed connections included.
 */
async function varz(deps: VarzDeps, request: HttpRequest): Promise<HttpAnswer> {
  const { connections, presence, status, options } = deps;
  const { query } = request;
  const node = integerOf(query["node_id"]);
  if (node !== 0 && node !== options.nodeId) return failure("node not found");
  const addresses = addressesFor(request, options.addresses);
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
  if (query["show"] !== "conn") return bare(json);
  return bare(`${json.slice(0, -1)},"conns":${await busiestConnections(deps, integerOf(query["conn_limit"]))}}`);
}
