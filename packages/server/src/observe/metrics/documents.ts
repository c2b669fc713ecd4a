/** The reference of the metrics, `docs/metrics.md`, made from their definitions. Its test compares the committed file. */
import type { Family } from "./family.ts";
import { LEGACY_FAMILIES } from "./legacy-families.ts";
import { SERVER_FAMILIES } from "./server-metrics.ts";

export function metricsPage(): string {
  return `# Metrics

<!-- Made from packages/server/src/observe/metrics; do not edit. -->

\`GET /metrics\` on the port of the HTTP API gives them to Prometheus, and where there is a manager port, it does so there too.

\`\`\`yaml
scrape_configs:
  - job_name: wukongim
    authorization: { credentials: the-metrics.token }   # only with metrics.token
    static_configs: [{ targets: ["127.0.0.1:5001"] }]
\`\`\`

- \`metrics.token\` protects them on every port. Without it they are as open as their port: with \`managerToken\` set, port 5001 asks for the header \`token\`.
- Counting costs a few additions of plain numbers per message; everything else happens when somebody asks. What needs a watch
  (event-loop lag, garbage collection) is watched from the first scrape on.
- No label holds a uid, a channel or anything else that clients choose.
- Counters start at 0 with the process. Histograms of time are in seconds.
- \`metrics.on: false\` takes the route away.

What to look at first: \`wk_store_writable\` (0 is an emergency), \`wk_send_total{reason="system_error"}\` and \`{reason="rate_limit"}\`,
\`wk_commit_seconds{stage="write"}\` (the disk), \`wk_eventloop_seconds_total{state="active"}\` (the processor),
\`wk_queue_length\` against \`wk_queue_max_length\`, \`wk_disconnect_total{reason="slow_reader"}\`, \`wk_disk_free_bytes\`.

| Metric | Kind | Labels | Meaning |
|---|---|---|---|
${SERVER_FAMILIES.map(row).join("\n")}

## The names of WuKongIM v2.2.5

These, which its dashboards ask for, are exported too (\`metrics.legacyNames: false\` takes them away). Its other names always have
the value 0 there, or count things that are not here (its cluster's messages, its storage engine), and do not exist here.
It exports everything as a counter; here what can fall is a gauge, under the same name. Its charts select by a label \`id\`, which the
scrape configuration has to add, as there.

| Name | Kind | The same as |
|---|---|---|
${LEGACY_FAMILIES.map(({ name, kind, is }) => `| \`${name}\` | ${kind} | \`${is}\` |`).join("\n")}
`;
}

function row({ name, kind, labels, help }: Pick<Family<never>, "name" | "kind" | "labels" | "help">): string {
  return `| \`${name}\` | ${kind} | ${(labels ?? []).map((label) => `\`${label}\``).join(", ")} | ${help.replaceAll("|", "\\|")} |`;
}
