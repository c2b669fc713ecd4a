/** What the deny list and the allow list have in common: add, set, remove and clear, with the original's checks. */
import { hasSpecialCharacters, isUid } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { SUCCESS } from "../answer-schema.ts";
import { failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import {
  CHANNEL_ID_SPECIAL,
  COMMAND_LOG_REFUSAL,
  commandLogProblem,
  isBlank,
  UID_REFUSALS,
  uidsProblem,
} from "../id-checks.ts";
import { array, CHANNEL_ID, object, UID, UINT8 } from "../json-schema.ts";

export interface EditedList {
  readonly name: "deny" | "allow";
  /** The path before `_add`. */
  readonly path: string;
  /** `_add` and `_remove` refuse special characters in the channel id; the deny list takes stored ids of person chats. */
  readonly checksChannelId: boolean;
  /** What being on it means, for the documentation. */
  readonly details: string;
}

interface Edit {
  readonly channel_id: string;
  readonly channel_type: number;
  readonly uids: readonly string[] | null;
}

const KEY = { channel_id: CHANNEL_ID, channel_type: UINT8 };
const EDIT_FIELDS = { ...KEY, uids: array(UID) };
const EDIT = object("listEditReq", EDIT_FIELDS, ["channel_id", "channel_type", "uids"]);
const SET = object("listSetReq", EDIT_FIELDS, ["channel_id"]);
const CLEAR = object("listClearReq", KEY, ["channel_id", "channel_type"]);

const NO_UIDS = "uids不能为空！";
const NO_ID = "频道ID不能为空！";
const NO_CHANNEL_ID = "channel_id不能为空！";
const NO_TYPE = "频道类型不能为0！";

export function listEditRoutes({ channels }: Pick<ApiDeps, "channels">, list: EditedList): readonly ApiRoute[] {
  const { name, path } = list;

  const add = async (edit: Edit): Promise<HttpAnswer> => {
    const uids = edit.uids ?? [];
    const problem = editProblem(list, edit, uids) ?? uidsProblem(uids, NO_UIDS);
    if (problem !== undefined) return failure(problem);
    await channels.addToList(keyOf(edit), name, uids);
    return ok();
  };

  const remove = async (edit: Edit): Promise<HttpAnswer> => {
    const uids = edit.uids ?? [];
    const problem = editProblem(list, edit, uids);
    if (problem !== undefined) return failure(problem);
    // Whoever can be on no list is on none.
    await channels.removeFromList(keyOf(edit), name, uids.filter(isUid));
    return ok();
  };

  /** Any type goes, as in the original; no uids clears the list. */
  const set = async (edit: Edit): Promise<HttpAnswer> => {
    const uids = edit.uids ?? [];
    const id = edit.channel_id;
    const problem = isBlank(id) ? NO_ID : (commandLogProblem(id) ?? uidsProblem(uids, NO_UIDS));
    if (problem !== undefined) return failure(problem);
    await channels.setList(keyOf(edit), name, uids);
    return ok();
  };

  const clear = async (edit: Omit<Edit, "uids">): Promise<HttpAnswer> => {
    const problem = channelProblem(edit) ?? commandLogProblem(edit.channel_id);
    if (problem !== undefined) return failure(problem);
    await channels.setList(keyOf(edit), name, []);
    return ok();
  };

  const clearRefusals = [NO_CHANNEL_ID, NO_TYPE, COMMAND_LOG_REFUSAL];
  const removeRefusals = [...clearRefusals, ...(list.checksChannelId ? [CHANNEL_ID_SPECIAL] : []), NO_UIDS];
  const common = { method: "POST", tag: "Members and lists", answers: { 200: SUCCESS } } as const;
  return [
    route({
      ...common,
      path: `${path}_add`,
      summary: `Put users on a channel's ${name} list`,
      details: list.details,
      body: EDIT,
      refusals: [...removeRefusals, ...UID_REFUSALS],
      example: { body: { channel_id: "group1", channel_type: 2, uids: ["carol"] }, answer: { status: 200 } },
      handle: ({ body }) => add(body),
    }),
    route({
      ...common,
      path: `${path}_set`,
      summary: `Make a channel's ${name} list exactly these users`,
      details: "Without uids the list is cleared.",
      body: SET,
      refusals: [NO_ID, COMMAND_LOG_REFUSAL, NO_UIDS, ...UID_REFUSALS],
      handle: ({ body }) => set(body),
    }),
    route({
      ...common,
      path: `${path}_remove`,
      summary: `Take users off a channel's ${name} list`,
      body: EDIT,
      refusals: removeRefusals,
      example: { body: { channel_id: "group1", channel_type: 2, uids: ["carol"] }, answer: { status: 200 } },
      handle: ({ body }) => remove(body),
    }),
    route({
      ...common,
      path: `${path}_remove_all`,
      summary: `Clear a channel's ${name} list`,
      body: CLEAR,
      refusals: clearRefusals,
      handle: ({ body }) => clear(body),
    }),
  ];
}

function editProblem(list: EditedList, edit: Edit, uids: readonly string[]): string | undefined {
  const id = edit.channel_id;
  if (isBlank(id)) return NO_CHANNEL_ID;
  if (list.checksChannelId && hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  const problem = channelProblem(edit);
  if (problem !== undefined) return problem;
  if (uids.every(isBlank)) return NO_UIDS;
  return commandLogProblem(id);
}

function channelProblem(edit: Omit<Edit, "uids">): string | undefined {
  if (isBlank(edit.channel_id)) return NO_CHANNEL_ID;
  return edit.channel_type === 0 ? NO_TYPE : undefined;
}

function keyOf(edit: Omit<Edit, "uids">): { readonly type: number; readonly id: string } {
  return { type: edit.channel_type, id: edit.channel_id };
}
