/**
 * The manager port: those routes of the API that operators need, behind a login, and the charts of the web UI. What only
 * the back end may do (sending, tokens, members) is not there.
 */
import type { GatedRequest, HttpAnswer, HttpRequest } from "../world/world.ts";
import { empty, forbidden } from "./answers.ts";
import type { ApiRoute } from "./api-route.ts";
import type { Api } from "./http-server.ts";
import { writeText } from "./json-writer.ts";
import { type ManagerAuth, mayDo } from "./manager-auth.ts";

/** What needs no login. */
const OPEN = ["/manager/login", "/web", "/metrics"] as const;
/** What needs more than a login: the permission to write this resource. */
const WRITES: Readonly<Record<string, string>> = { "/conn/kick": "conn", "/conn/remove": "conn" };

/** Bodies name a few things here; the login reads one of anybody. */
const BODY_BYTES_MAX = 1024 * 1024;

/** `own`: what only this port has. */
export function createManagerApi(api: Api, auth: ManagerAuth, own: readonly ApiRoute[]): Api {
  const shared = api.routes.filter(({ description }) => description.ports?.includes("manager"));
  return {
    routes: [...shared.map((route) => guarded(route, auth)), ...own],
    rules: {
      ...api.rules,
      bodyBytesMax: Math.min(api.rules.bodyBytesMax, BODY_BYTES_MAX),
      gate: (request) => gate(request, auth),
    },
  };
}

function gate(request: GatedRequest, auth: ManagerAuth): HttpAnswer | undefined {
  if (request.method === "OPTIONS") return empty(204);
  if (OPEN.some((prefix) => request.path.startsWith(prefix))) return undefined;
  const caller = auth.callerOf(request);
  return "problem" in caller ? { status: 401, body: `{"error":${writeText(caller.problem)}}` } : undefined;
}

function guarded(route: ApiRoute, auth: ManagerAuth): ApiRoute {
  const resource = WRITES[route.path];
  if (resource === undefined) return route;
  const handle = (request: HttpRequest): Promise<HttpAnswer> | HttpAnswer => {
    const caller = auth.callerOf(request);
    return "user" in caller && mayDo(caller.user, resource, "w") ? route.handle(request) : forbidden();
  };
  return { ...route, handle };
}
