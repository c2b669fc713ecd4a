/**
 * The metrics for Prometheus. The route asks for `metrics.token` itself, so that it can be mounted on any port; without
 * one it is as open as its port.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { EXPOSITION_TYPE } from "../../observe/metrics/exposition.ts";
import { failure } from "../answers.ts";
import { type ApiRoute, get } from "../api-route.ts";

export const METRICS_PATH = "/metrics";

export interface MetricsRouteDeps {
  readonly metrics: { text(): Promise<string> };
  /** `metrics.token`; "": none is asked for. */
  readonly token: string;
}

export function metricsRoute({ metrics, token }: MetricsRouteDeps): ApiRoute {
  const isAllowed = bearerCheck(token);
  return get(METRICS_PATH, async (request) => {
    if (!isAllowed(request.headers["authorization"])) return failure("the token of metrics.token is needed", 401);
    return { status: 200, contentType: EXPOSITION_TYPE, body: await metrics.text() };
  });
}

function bearerCheck(token: string): (header: string | undefined) => boolean {
  if (token === "") return () => true;
  const expected = hash("sha256", `Bearer ${token}`, "buffer");
  return (header) => timingSafeEqual(hash("sha256", header ?? "", "buffer"), expected);
}
