/** Who may not write: into a channel, or to a person. */
import type { ApiDeps } from "../api-deps.ts";
import type { ApiRoute } from "../api-route.ts";
import { listEditRoutes } from "./list-edits.ts";

export function denyListRoutes(deps: Pick<ApiDeps, "channels">): readonly ApiRoute[] {
  return listEditRoutes(deps, {
    name: "deny",
    path: "/channel/blacklist",
    checksChannelId: false,
    details:
      "Who is on it may not send to the channel; for a person (type 1) channel_id is his uid. In everything else a member stays a member.",
  });
}
