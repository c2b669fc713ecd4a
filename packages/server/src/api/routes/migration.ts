/** Bringing over the data of WuKongIM 1, which is not done here: the answer is that of a server without `oldV1Api`. */
import { bare } from "../answers.ts";
import { type ApiRoute, get } from "../api-route.ts";

const NOT_CONFIGURED = '{"status":"running","step":"","last_err":null,"try_count":0}';

export function migrationRoutes(): readonly ApiRoute[] {
  return [get("/migrate/result", () => bare(NOT_CONFIGURED))];
}
