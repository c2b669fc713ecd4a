/**
 * The charts of the original's web UI, which asks a Prometheus server for them. Here they come from samples in memory, so
 * they are there without one, and gone after a restart. What a single machine has not got is `null`.
 */
import type { Sample, Samples } from "../../observe/samples.ts";
import { listOf, shape } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import { type ApiRoute, type DescribedRoute, described, route } from "../api-route.ts";
import { about, INT } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

const LATEST_SECONDS = 300;

const COMMON = {
  method: "GET",
  tag: "Manager",
  ports: ["manager"],
  isOpen: true,
  query: { latest: about(INT, `Of how many seconds up to now; 0 or less is ${LATEST_SECONDS}.`) },
} as const;
const TIMESTAMP = about(INT, "Seconds since 1970.");
const NUMBER = { type: "number" };
const LABELLED = listOf(shape({ label: about({ type: "string" }, "The node."), value: NUMBER }));
const NOT_HERE = { type: "null" };

const APP = {
  ...COMMON,
  path: "/metrics/app",
  summary: "Connections and messages of the last minutes",
  answers: {
    200: listOf(
      shape({
        conn_count: INT,
        online_user_count: INT,
        online_device_count: INT,
        send_packet_count_rate: about(NUMBER, "Messages from clients per second."),
        send_packet_bytes_rate: NUMBER,
        recv_packet_count_rate: about(NUMBER, "Messages to clients per second."),
        recv_packet_bytes_rate: NUMBER,
        timestamp: TIMESTAMP,
      }),
    ),
  },
};
const SYSTEM = {
  ...COMMON,
  path: "/metrics/system",
  summary: "Network, memory and processor of the last minutes",
  details: "What one machine has not got is null.",
  answers: {
    200: listOf(
      shape({
        intranet_incoming_bytes_rate: NOT_HERE,
        intranet_outgoing_bytes_rate: NOT_HERE,
        extranet_incoming_bytes_rate: LABELLED,
        extranet_outgoing_bytes_rate: LABELLED,
        memstats_alloc_bytes: LABELLED,
        goroutines: NOT_HERE,
        gc_duration_seconds_count: NOT_HERE,
        cpu_percent: LABELLED,
        filefd_allocated: about(INT, "Connections."),
        timestamp: TIMESTAMP,
      }),
    ),
  },
};
const BETWEEN_NODES = {
  ...COMMON,
  path: "/metrics/cluster",
  summary: "What goes between nodes: nothing",
  answers: { 200: { ...listOf({ type: "object" }), maxItems: 0 } },
};

/** For the documentation, which the API port serves. */
export const METRIC_SERIES: readonly DescribedRoute[] = [APP, SYSTEM, BETWEEN_NODES].map((series) => described(series));

export function metricSeriesRoutes({
  samples,
  nodeId,
}: {
  readonly samples: Pick<Samples, "latest">;
  readonly nodeId: number;
}): readonly ApiRoute[] {
  const latest = (seconds: number): readonly Sample[] =>
    samples.latest((seconds <= 0 ? LATEST_SECONDS : seconds) * 1000);
  const label = String(nodeId);
  return [
    route({ ...APP, handle: ({ query }) => bare(`[${latest(query.latest).map(appJson).join(",")}]`) }),
    route({
      ...SYSTEM,
      handle: ({ query }) =>
        bare(
          `[${latest(query.latest)
            .map((sample) => systemJson(sample, label))
            .join(",")}]`,
        ),
    }),
    route({ ...BETWEEN_NODES, handle: () => bare("[]") }),
  ];
}

function appJson(sample: Sample): string {
  return writeJson({
    conn_count: sample.connections,
    online_user_count: sample.users,
    online_device_count: sample.sessions,
    send_packet_count_rate: sample.perSecond.inMessages,
    send_packet_bytes_rate: sample.perSecond.inMessageBytes,
    recv_packet_count_rate: sample.perSecond.outMessages,
    recv_packet_bytes_rate: sample.perSecond.outMessageBytes,
    timestamp: Math.floor(sample.wallMs / 1000),
  });
}

function systemJson(sample: Sample, label: string): string {
  const one = (value: number): [{ label: string; value: number }] => [{ label, value }];
  return writeJson({
    intranet_incoming_bytes_rate: null,
    intranet_outgoing_bytes_rate: null,
    extranet_incoming_bytes_rate: one(sample.perSecond.inPacketBytes),
    extranet_outgoing_bytes_rate: one(sample.perSecond.outPacketBytes),
    memstats_alloc_bytes: one(sample.heapBytes),
    goroutines: null,
    gc_duration_seconds_count: null,
    cpu_percent: one(sample.cpuPercent),
    filefd_allocated: sample.connections,
    timestamp: Math.floor(sample.wallMs / 1000),
  });
}
