/**
 * The charts of the original's web UI, which asks a Prometheus server for them. Here they come from samples in memory, so
 * they are there without one, and gone after a restart. What a single machine has not got is `null`.
 */
import type { Sample, Samples } from "../../observe/samples.ts";
import { bare } from "../answers.ts";
import { type ApiRoute, get, integerOf } from "../api-route.ts";
import { writeJson } from "../json-writer.ts";

const LATEST_SECONDS = 300;

export function metricSeriesRoutes({
  samples,
  nodeId,
}: {
  readonly samples: Pick<Samples, "latest">;
  readonly nodeId: number;
}): readonly ApiRoute[] {
  const series = (path: string, json: (sample: Sample) => string): ApiRoute =>
    get(path, ({ query }) => {
      const asked = integerOf(query["latest"]);
      const found = samples.latest((asked <= 0 ? LATEST_SECONDS : asked) * 1000);
      return bare(`[${found.map(json).join(",")}]`);
    });
  return [
    series("/metrics/app", appJson),
    series("/metrics/system", (sample) => systemJson(sample, String(nodeId))),
    // Nothing goes between nodes.
    get("/metrics/cluster", () => bare("[]")),
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
