/**
 * System accounts. The two cache routes are what nodes of the original call on each other; here there is one set of
 * system accounts and it is durable, so they do the same as the other two.
 */
import type { HttpAnswer } from "../../world/world.ts";
import { listOf, SUCCESS } from "../answer-schema.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { BLANK_UID, UID_REFUSALS, uidsProblem } from "../id-checks.ts";
import { array, type Decoded, object, UID } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

const UIDS = object("systemUIDsReq", { uids: array(UID) });

export function systemUserRoutes({ users }: Pick<ApiDeps, "users">): readonly ApiRoute[] {
  const common = { method: "POST", tag: "Users", body: UIDS, answers: { 200: SUCCESS } } as const;
  const refusals = [BLANK_UID, ...UID_REFUSALS];
  const example = { body: { uids: ["helpdesk"] }, answer: { status: 200 } };
  const add = async ({ uids }: Decoded<typeof UIDS>): Promise<HttpAnswer> => {
    const problem = uidsProblem(uids ?? [], BLANK_UID);
    if (problem !== undefined) return failure(problem);
    if (uids !== null && uids.length > 0) await users.addSystemUids(uids);
    return ok();
  };
  const remove = async ({ uids }: Decoded<typeof UIDS>): Promise<HttpAnswer> => {
    if (uids !== null && uids.length > 0) await users.removeSystemUids(uids);
    return ok();
  };
  return [
    route({
      ...common,
      path: "/user/systemuids_add",
      summary: "Add system accounts",
      details: "They may write to anyone, and anyone may write to them.",
      refusals,
      example,
      handle: ({ body }) => add(body),
    }),
    route({
      ...common,
      path: "/user/systemuids_remove",
      summary: "Remove system accounts",
      example,
      handle: ({ body }) => remove(body),
    }),
    route({
      ...common,
      path: "/user/systemuids_add_to_cache",
      summary: "The same as /user/systemuids_add",
      refusals,
      handle: ({ body }) => add(body),
    }),
    route({
      ...common,
      path: "/user/systemuids_remove_from_cache",
      summary: "The same as /user/systemuids_remove",
      handle: ({ body }) => remove(body),
    }),
    route({
      method: "GET",
      path: "/user/systemuids",
      tag: "Users",
      summary: "The system accounts",
      answers: { 200: listOf({ type: "string" }) },
      example: { answer: ["helpdesk"] },
      handle: () => bare(writeJson(users.systemUids())),
    }),
  ];
}
