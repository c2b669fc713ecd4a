/** This one machine as the original shows a cluster: one node that leads all slots. Our shards are its slots. */
import { SHARD_COUNT } from "../../store/shards.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get } from "../api-route.ts";
import { durationText } from "../duration-text.ts";
import { type JsonValue, writeJson } from "../json-writer.ts";

type NodeDeps = Pick<ApiDeps, "status"> & { readonly options: Pick<ApiDeps["options"], "nodeId"> };

const JOINED = 3;
/** There has been no election. */
const TERM = 1;
const SLOTS = Array.from({ length: SHARD_COUNT }, (_, slot) => slot);

export function clusterNodeRoutes(deps: NodeDeps): readonly ApiRoute[] {
  const { nodeId } = deps.options;
  const list = (data: readonly JsonValue[]): HttpAnswer => bare(writeJson({ total: data.length, data }));
  return [
    get("/cluster/nodes", () => list([{ ...nodeJson(nodeId), ...runtimeJson(deps) }])),
    get("/cluster/simpleNodes", () => list([nodeJson(nodeId)])),
    get("/cluster/node", () => bare(writeJson({ ...nodeJson(nodeId), ...runtimeJson(deps) }))),
    get("/cluster/info", () => bare(writeJson(infoJson(nodeId)))),
    get("/cluster/allslot", () => list(SLOTS.map((slot) => slotJson(slot, nodeId)))),
    get("/cluster/slots", (request) => slotsNamed(request, nodeId)),
  ];
}

function nodeJson(nodeId: number): { readonly [name: string]: JsonValue } {
  return {
    id: nodeId,
    is_leader: 1,
    role: 0,
    cluster_addr: "",
    online: 1,
    allow_vote: 1,
    slot_count: SHARD_COUNT,
    term: TERM,
    slot_leader_count: SHARD_COUNT,
    status: JOINED,
    status_format: "已加入",
  };
}

function runtimeJson({ status }: NodeDeps): { readonly [name: string]: JsonValue } {
  return { uptime: durationText(status.uptimeMs()), app_version: status.version };
}

function slotsNamed({ query }: HttpRequest, nodeId: number): HttpAnswer {
  const slots: JsonValue[] = [];
  for (const text of (query["ids"] ?? "").split(",")) {
    if (text === "") continue;
    if (!/^[0-9]{1,9}$/.test(text) || Number(text) >= SHARD_COUNT) return failure("slot not found");
    slots.push(slotJson(Number(text), nodeId));
  }
  return bare(writeJson(slots));
}

/** A shard has no consensus log, so there is no height of one. */
function slotJson(slot: number, nodeId: number): JsonValue {
  return {
    id: slot,
    leader_id: nodeId,
    term: TERM,
    replicas: [nodeId],
    channel_count: 0,
    log_index: 0,
    status: 0,
    status_format: "正常",
  };
}

/** What is zero or empty is left out. */
function infoJson(nodeId: number): JsonValue {
  return {
    slotCount: SHARD_COUNT,
    slotReplicaCount: 1,
    channelReplicaCount: 1,
    term: TERM,
    nodes: [{ id: nodeId, online: true, allowVote: true, status: JOINED }],
    slots: SLOTS.map((slot) => ({
      ...(slot === 0 ? {} : { id: slot }),
      leader: nodeId,
      term: TERM,
      replicas: [nodeId],
    })),
  };
}
