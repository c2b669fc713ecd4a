/** What holds for every answer of the API: cross-origin headers, the manager token, and the answers outside of routes. */
import { hash, timingSafeEqual } from "node:crypto";
import type { HttpRequest, HttpRules } from "../world/world.ts";
import { empty, failure, plainText, tooBusy } from "./answers.ts";
import type { ApiDeps } from "./api-deps.ts";
import { METRICS_PATH } from "./routes/metrics.ts";

const HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-allow-credentials": "true",
  "access-control-allow-headers":
    "Content-Type, Authorization, Content-Length, Accept-Encoding, X-CSRF-Token, token, accept, origin, Cache-Control, X-Requested-With, appid, noncestr, sign, timestamp",
  "access-control-allow-methods": "POST, OPTIONS, GET, PUT,DELETE,PATCH",
} as const;

/** Probes have no token. */
const OPEN_PATHS: readonly string[] = ["/health", "/healthz", "/readyz"];

const UNAVAILABLE: ReadonlySet<unknown> = new Set(["overloaded", "read_only", "store_failed"]);

export function httpRules(deps: Pick<ApiDeps, "options" | "handlerFailed" | "metrics">): HttpRules {
  const { managerToken, bodyBytesMax } = deps.options;
  const isAllowed = managerToken.trim() === "" ? () => true : tokenCheck(managerToken);
  // The route asks for its own token, if it has one.
  const hasMetricsToken = deps.metrics !== undefined && deps.metrics.token !== "";
  const openPaths = new Set(hasMetricsToken ? [...OPEN_PATHS, METRICS_PATH] : OPEN_PATHS);
  return {
    bodyBytesMax,
    headers: HEADERS,
    gate(request) {
      if (request.method === "OPTIONS") return empty(204);
      if (openPaths.has(request.path) || isAllowed(request)) return undefined;
      return empty(401);
    },
    notFound: () => plainText("404 page not found", 404),
    unreadable: (status, text) => failure(text, status),
    failed(error, request) {
      if (isStoreUnavailable(error)) return tooBusy(error.message);
      deps.handlerFailed(error, request);
      return failure("internal error", 500);
    },
  };
}

/** Whether the store refused or failed: the caller may try again later. */
function isStoreUnavailable(error: unknown): error is Error {
  return error instanceof Error && "code" in error && UNAVAILABLE.has(error.code);
}

/** Hashes have one length and tell nothing about how much of a guess was right. */
function tokenCheck(managerToken: string): (request: Pick<HttpRequest, "headers">) => boolean {
  const expected = hash("sha256", managerToken, "buffer");
  return (request) => timingSafeEqual(hash("sha256", request.headers["token"] ?? "", "buffer"), expected);
}
