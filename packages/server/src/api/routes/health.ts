/** Probes. `/health` is the original's: whether the server can do its work; `/healthz` only that it lives. */
import { shape, titled } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { writeJson } from "../json-writer.ts";

const FINE = '{"status":"ok"}';
const HEALTHY = titled("Healthy", shape({ status: { const: "ok" } }));
const UNHEALTHY = titled("Unhealthy", shape({ message: { type: "string" }, status: { const: "error" } }));

export function healthRoutes({ readiness }: Pick<ApiDeps, "readiness">): readonly ApiRoute[] {
  const answer = (failedStatus: number) => {
    const { ready, reason } = readiness();
    if (ready) return bare(FINE);
    return { status: failedStatus, body: writeJson({ message: reason, status: "error" }) };
  };
  const common = { method: "GET", tag: "Server", isOpen: true, example: { answer: { status: "ok" } } } as const;
  return [
    route({
      ...common,
      path: "/health",
      summary: "Whether the server can do its work",
      details: "500 with the reason when the store cannot write.",
      answers: { 200: HEALTHY, 500: UNHEALTHY },
      handle: () => answer(500),
    }),
    route({
      ...common,
      path: "/healthz",
      summary: "Whether the process lives",
      answers: { 200: HEALTHY },
      handle: () => bare(FINE),
    }),
    route({
      ...common,
      path: "/readyz",
      summary: "Whether the server can do its work, for load balancers",
      details: "As /health, with 503.",
      answers: { 200: HEALTHY, 503: UNHEALTHY },
      handle: () => answer(503),
    }),
  ];
}
