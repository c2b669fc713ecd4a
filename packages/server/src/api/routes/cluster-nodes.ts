/** This one machine as the original shows a cluster: one node that leads all slots. Our shards are its slots. */
import { SHARD_COUNT } from "../../store/shards.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { BIT, listOf, shape, titled } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { durationText } from "../duration-text.ts";
import { about, INT, type JsonSchema, text, UINT64 } from "../json-schema.ts";
import { type JsonValue, writeJson } from "../json-writer.ts";

type NodeDeps = Pick<ApiDeps, "status"> & { readonly options: Pick<ApiDeps["options"], "nodeId"> };

const JOINED = 3;
/** There has been no election. */
const TERM = 1;
const SLOTS = Array.from({ length: SHARD_COUNT }, (_, slot) => slot);

const TEXT = { type: "string" };
const NODE_FIELDS = {
  id: UINT64,
  is_leader: BIT,
  role: INT,
  cluster_addr: TEXT,
  online: BIT,
  allow_vote: BIT,
  slot_count: INT,
  term: INT,
  slot_leader_count: INT,
  status: INT,
  status_format: TEXT,
};
const NODE = titled(
  "Node",
  shape({ ...NODE_FIELDS, uptime: about(TEXT, "As 3h4m5s."), app_version: about(TEXT, "Of the program.") }),
);
const SLOT = titled(
  "Slot",
  shape({
    id: INT,
    leader_id: UINT64,
    term: INT,
    replicas: listOf(UINT64),
    channel_count: about(INT, "Always 0: it is not counted."),
    log_index: about(INT, "Always 0: there is no log of a slot."),
    status: INT,
    status_format: TEXT,
  }),
);
const INFO = shape({
  slotCount: INT,
  slotReplicaCount: INT,
  channelReplicaCount: INT,
  term: INT,
  nodes: listOf(shape({ id: UINT64, online: { type: "boolean" }, allowVote: { type: "boolean" }, status: INT })),
  slots: listOf(shape({ id: about(INT, "Left out: 0."), leader: UINT64, term: INT, replicas: listOf(UINT64) }, ["id"])),
});
const SLOTS_QUERY = { ids: about(text(), "Numbers with commas between them.") };

const NO_SUCH_SLOT = "slot not found";

export function clusterNodeRoutes(deps: NodeDeps): readonly ApiRoute[] {
  const { nodeId } = deps.options;
  const list = (data: readonly JsonValue[]): HttpAnswer => bare(writeJson({ total: data.length, data }));
  const listed = (items: JsonSchema): JsonSchema => shape({ total: INT, data: listOf(items) });
  const common = { method: "GET", tag: "Cluster", ports: BOTH_PORTS } as const;
  return [
    route({
      ...common,
      path: "/cluster/nodes",
      summary: "The nodes: this one",
      answers: { 200: listed(NODE) },
      handle: () => list([{ ...nodeJson(nodeId), ...runtimeJson(deps) }]),
    }),
    route({
      ...common,
      path: "/cluster/simpleNodes",
      summary: "The nodes, without their state",
      answers: { 200: listed(titled("SimpleNode", shape(NODE_FIELDS))) },
      handle: () => list([nodeJson(nodeId)]),
    }),
    route({
      ...common,
      path: "/cluster/node",
      summary: "This node",
      answers: { 200: NODE },
      handle: () => bare(writeJson({ ...nodeJson(nodeId), ...runtimeJson(deps) })),
    }),
    route({
      ...common,
      path: "/cluster/info",
      summary: "The configuration of the cluster",
      details: "What is zero or empty is left out.",
      answers: { 200: INFO },
      handle: () => bare(writeJson(infoJson(nodeId))),
    }),
    route({
      ...common,
      path: "/cluster/allslot",
      summary: "All slots",
      answers: { 200: listed(SLOT) },
      handle: () => list(SLOTS.map((slot) => slotJson(slot, nodeId))),
    }),
    route({
      ...common,
      path: "/cluster/slots",
      summary: "Some slots",
      query: SLOTS_QUERY,
      answers: { 200: listOf(SLOT) },
      refusals: [NO_SUCH_SLOT],
      handle: ({ query }) => slotsNamed(query.ids, nodeId),
    }),
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

function slotsNamed(ids: string, nodeId: number): HttpAnswer {
  const slots: JsonValue[] = [];
  for (const text of ids.split(",")) {
    if (text === "") continue;
    if (!/^[0-9]{1,9}$/.test(text) || Number(text) >= SHARD_COUNT) return failure(NO_SUCH_SLOT);
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
