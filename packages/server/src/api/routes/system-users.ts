/**
 * System accounts. The two cache routes are what nodes of the original call on each other; here there is one set of
 * system accounts and it is durable, so they do the same as the other two.
 */
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get, post } from "../api-route.ts";
import { uidsProblem } from "../id-checks.ts";
import { array, object, UID } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

const UIDS = object("systemUIDsReq", { uids: array(UID) });

export function systemUserRoutes({ users }: Pick<ApiDeps, "users">): readonly ApiRoute[] {
  const adding = (path: string): ApiRoute =>
    post(path, UIDS, async ({ uids }) => {
      const problem = uidsProblem(uids ?? [], "uid不能为空！");
      if (problem !== undefined) return failure(problem);
      if (uids !== null && uids.length > 0) await users.addSystemUids(uids);
      return ok();
    });
  const removing = (path: string): ApiRoute =>
    post(path, UIDS, async ({ uids }) => {
      if (uids !== null && uids.length > 0) await users.removeSystemUids(uids);
      return ok();
    });
  return [
    adding("/user/systemuids_add"),
    removing("/user/systemuids_remove"),
    adding("/user/systemuids_add_to_cache"),
    removing("/user/systemuids_remove_from_cache"),
    get("/user/systemuids", () => bare(writeJson(users.systemUids()))),
  ];
}
