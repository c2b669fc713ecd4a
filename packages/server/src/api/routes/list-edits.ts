/** What the deny list and the allow list have in common: add, set, remove and clear, with the original's checks. */
import { hasSpecialCharacters, isUid } from "../../messaging/valid-ids.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, post } from "../api-route.ts";
import { CHANNEL_ID_SPECIAL, commandLogProblem, isBlank, uidsProblem } from "../id-checks.ts";
import { array, CHANNEL_ID, object, UID, UINT8 } from "../json-schema.ts";

export interface EditedList {
  readonly name: "deny" | "allow";
  /** The path before `_add`. */
  readonly path: string;
  /** `_add` and `_remove` refuse special characters in the channel id; the deny list takes stored ids of person chats. */
  readonly checksChannelId: boolean;
}

interface Edit {
  readonly channel_id: string;
  readonly channel_type: number;
  readonly uids: readonly string[] | null;
}

const EDIT = object("listEditReq", { channel_id: CHANNEL_ID, channel_type: UINT8, uids: array(UID) });
const CLEAR = object("listClearReq", { channel_id: CHANNEL_ID, channel_type: UINT8 });

const NO_UIDS = "uids不能为空！";

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
    const problem = isBlank(id) ? "频道ID不能为空！" : (commandLogProblem(id) ?? uidsProblem(uids, NO_UIDS));
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

  return [
    post(`${path}_add`, EDIT, add),
    post(`${path}_set`, EDIT, set),
    post(`${path}_remove`, EDIT, remove),
    post(`${path}_remove_all`, CLEAR, clear),
  ];
}

function editProblem(list: EditedList, edit: Edit, uids: readonly string[]): string | undefined {
  const id = edit.channel_id;
  if (isBlank(id)) return "channel_id不能为空！";
  if (list.checksChannelId && hasSpecialCharacters(id)) return CHANNEL_ID_SPECIAL;
  const problem = channelProblem(edit);
  if (problem !== undefined) return problem;
  if (uids.every(isBlank)) return NO_UIDS;
  return commandLogProblem(id);
}

function channelProblem(edit: Omit<Edit, "uids">): string | undefined {
  if (isBlank(edit.channel_id)) return "channel_id不能为空！";
  return edit.channel_type === 0 ? "频道类型不能为0！" : undefined;
}

function keyOf(edit: Omit<Edit, "uids">): { readonly type: number; readonly id: string } {
  return { type: edit.channel_type, id: edit.channel_id };
}
