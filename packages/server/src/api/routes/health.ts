/** Probes. `/health` is the original's: whether the server can do its work; `/healthz` only that it lives. */
import { bare } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get } from "../api-route.ts";
import { writeJson } from "../json-writer.ts";

const FINE = '{"status":"ok"}';

export function healthRoutes({ readiness }: Pick<ApiDeps, "readiness">): readonly ApiRoute[] {
  const answer = (failedStatus: number) => {
    const { ready, reason } = readiness();
    if (ready) return bare(FINE);
    return { status: failedStatus, body: writeJson({ message: reason, status: "error" }) };
  };
  return [get("/health", () => answer(500)), get("/healthz", () => bare(FINE)), get("/readyz", () => answer(503))];
}
