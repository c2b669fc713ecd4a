/** Who alone may write: into a channel as soon as one is listed, to a person if the configuration says so. */
import { fnv1a64, withoutCommandSuffix } from "@wukong-ts/protocol";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, channelTypeOf, get } from "../api-route.ts";
import { queryIdProblem } from "../id-checks.ts";
import { writeJson } from "../json-writer.ts";
import { timeText } from "../time-text.ts";
import { listEditRoutes } from "./list-edits.ts";

export function allowListRoutes(deps: Pick<ApiDeps, "channels">): readonly ApiRoute[] {
  return [
    ...listEditRoutes(deps, { name: "allow", path: "/channel/whitelist", checksChannelId: true }),
    get("/channel/whitelist", (request) => show(deps, request)),
  ];
}

async function show({ channels }: Pick<ApiDeps, "channels">, request: HttpRequest): Promise<HttpAnswer> {
  const id = request.query["channel_id"] ?? "";
  const problem = queryIdProblem(id);
  if (problem !== undefined) return failure(problem);
  const key = { type: channelTypeOf(request.query["channel_type"]), id: withoutCommandSuffix(id) };
  const listed = await channels.list(key, "allow");
  const entries = listed.map(({ uid, createdMs }) => {
    const time = timeText(createdMs);
    return { id: fnv1a64(uid), uid, created_at: time, updated_at: time };
  });
  return bare(writeJson(entries));
}
