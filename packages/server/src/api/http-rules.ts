/** What holds for every answer of the API: cross-origin headers, the manager token, and the answers outside of routes. */
import type { GatedRequest, HttpRules } from "../world/world.ts";
import { empty, failure, plainText, tooBusy } from "./answers.ts";
import type { ApiDeps } from "./api-deps.ts";
import { METRICS_PATH } from "./routes/metrics.ts";
import { unknownPlugin } from "./routes/plugins.ts";
import { secretCheck } from "./secret-check.ts";

const HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-allow-credentials": "true",
  "access-control-allow-headers":
    "Content-Type, Authorization, Content-Length, Accept-Encoding, X-CSRF-Token, token, accept, origin, Cache-Control, X-Requested-With, appid, noncestr, sign, timestamp",
  "access-control-allow-methods": "POST, OPTIONS, GET, PUT,DELETE,PATCH",
} as const;

const UNAVAILABLE: ReadonlySet<unknown> = new Set(["overloaded", "read_only", "store_failed"]);

/** `routesOpen` are served without a token: probes have none. */
export function httpRules(
  deps: Pick<ApiDeps, "options" | "handlerFailed" | "metrics">,
  routesOpen: readonly string[],
): HttpRules {
  const { managerToken, bodyBytesMax } = deps.options;
  const isAllowed = managerToken.trim() === "" ? () => true : tokenCheck(managerToken);
  // The route asks for its own token, if it has one.
  const hasMetricsToken = deps.metrics !== undefined && deps.metrics.token !== "";
  const openPaths = new Set(hasMetricsToken ? [...routesOpen, METRICS_PATH] : routesOpen);
  return {
    bodyBytesMax,
    headers: HEADERS,
    gate(request) {
      if (request.method === "OPTIONS") return empty(204);
      if (openPaths.has(request.path) || isAllowed(request)) return undefined;
      return empty(401);
    },
    notFound: ({ path }) => unknownPlugin(path) ?? plainText("404 page not found", 404),
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

/** The token stands in the header `token`; tools that only know `Authorization` may put it there. */
function tokenCheck(managerToken: string): (request: GatedRequest) => boolean {
  const isToken = secretCheck(managerToken);
  return ({ headers }) =>
    isToken(headers["token"] ?? "") || isToken((headers["authorization"] ?? "").replace(/^Bearer /, ""));
}
