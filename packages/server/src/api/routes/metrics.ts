/**
 * The metrics for Prometheus. The route asks for `metrics.token` itself, so that it can be mounted on any port; without
 * one it is as open as its port.
 */
import { EXPOSITION_TYPE } from "../../observe/metrics/exposition.ts";
import { FAILURE } from "../answer-schema.ts";
import { failure } from "../answers.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { secretCheck } from "../secret-check.ts";

export const METRICS_PATH = "/metrics";

export interface MetricsRouteDeps {
  readonly metrics: { text(): Promise<string> };
  /** `metrics.token`; "": none is asked for. */
  readonly token: string;
}

export function metricsRoute({ metrics, token }: MetricsRouteDeps): ApiRoute {
  const isAllowed = token === "" ? () => true : secretCheck(`Bearer ${token}`);
  return route({
    method: "GET",
    path: METRICS_PATH,
    tag: "Server",
    ports: BOTH_PORTS,
    summary: "The metrics, as Prometheus reads them",
    details:
      "With metrics.token the header Authorization: Bearer and that token are needed, on either port; without it the manager port needs none. docs/metrics.md names them all.",
    answers: { 200: { type: "string", contentMediaType: EXPOSITION_TYPE }, 401: FAILURE },
    async handle({ request }) {
      if (!isAllowed(request.headers["authorization"] ?? ""))
        return failure("the token of metrics.token is needed", 401);
      return { status: 200, contentType: EXPOSITION_TYPE, body: await metrics.text() };
    },
  });
}
