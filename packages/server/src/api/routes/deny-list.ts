/** Who may not write: into a channel, or to a person. */
import type { ApiDeps } from "../api-deps.ts";
import type { ApiRoute } from "../api-route.ts";
import { listEditRoutes } from "./list-edits.ts";

export function denyListRoutes(deps: Pick<ApiDeps, "channels">): readonly ApiRoute[] {
  return listEditRoutes(deps, { name: "deny", path: "/channel/blacklist", checksChannelId: false });
}
