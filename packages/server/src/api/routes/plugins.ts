/** There are no plugins: their list is empty, and a path of one, as that of the search plugin, is told so in JSON. */
import type { HttpAnswer } from "../../world/world.ts";
import { listOf } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import { type ApiRoute, route } from "../api-route.ts";

const BELOW_PLUGINS = /^\/plugins\/[^/]+\//;

export function pluginRoutes(): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/plugins",
      tag: "Server",
      summary: "The plugins: none",
      details:
        'Every path below it, as /plugins/wk.plugin.search/usersearch, answers 400 with the text "plugin not found".',
      answers: { 200: listOf({ type: "object" }) },
      example: { answer: [] },
      handle: () => bare("[]"),
    }),
  ];
}

/** For a path that no route has, with any method. undefined: it is no plugin's. */
export function unknownPlugin(path: string): HttpAnswer | undefined {
  if (!BELOW_PLUGINS.test(path)) return undefined;
  return { status: 400, body: '{"msg":"plugin not found","status":404}' };
}
