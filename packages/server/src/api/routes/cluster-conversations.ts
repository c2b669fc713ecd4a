/** The chats of users, for operators. The numbers are those of the user's own list. */
import { fnv1a64 } from "@wukong-ts/protocol";
import { kindOf } from "../../messaging/channel-kinds.ts";
import { idTimeMs } from "../../messaging/ids.ts";
import type { ListedConversation } from "../../messaging/row-browser.ts";
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, get } from "../api-route.ts";
import { limitOf, orBadCursor, PAGE_MAX, pageAnswer, pageOf, pageProblem } from "../browse-page.ts";
import { writeJson } from "../json-writer.ts";
import { minuteText } from "../time-text.ts";

type ConversationDeps = Pick<ApiDeps, "browsing" | "chatList" | "world"> & {
  readonly options: Pick<ApiDeps["options"], "nodeId">;
};

/** Rows that are made before other work gets its turn: a few point reads each. */
const SLICE_ROWS = 100;
const CHAT = { type: 0, format: "聊天" } as const;
/** Of a kind of channel that is in no chat list: the row is there for its commands. */
const COMMANDS = { type: 1, format: "命令" } as const;

export function clusterConversationRoutes(deps: ConversationDeps): readonly ApiRoute[] {
  return [get("/cluster/conversations", (request) => orBadCursor(listConversations(deps, request)))];
}

/** Of one user all that fit into a page, as the original. */
async function listConversations(deps: ConversationDeps, { query }: HttpRequest): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const uid = query["uid"] ?? "";
  const limit = uid === "" ? limitOf(query) : limitOf(query, PAGE_MAX);
  const page = await deps.browsing.rows.conversations(pageOf(query, limit), uid);
  const rows: string[] = [];
  for (const [index, listed] of page.rows.entries()) {
    if (index % SLICE_ROWS === SLICE_ROWS - 1) await new Promise<void>((resolve) => deps.world.timers.soon(resolve));
    rows.push(await conversationJson(deps, listed));
  }
  return pageAnswer({ ...page, rows }, (row) => row);
}

/** When a chat began is not kept. */
async function conversationJson({ chatList }: ConversationDeps, { uid, row }: ListedConversation): Promise<string> {
  const { channel } = row;
  const kind = kindOf(channel.type);
  const shown = { type: channel.type, id: kind.shownId(channel.id, uid) };
  const [view] = await chatList.forChannels(uid, [shown], 0);
  const { type, format } = kind.inChatList ? CHAT : COMMANDS;
  const updatedMs = idTimeMs(row.changed);
  return writeJson({
    id: fnv1a64(`${uid}-${channel.id}-${channel.type}`),
    uid,
    type,
    type_format: format,
    channel_id: channel.id,
    channel_type: channel.type,
    channel_type_format: kind.name,
    unread_count: view?.unread ?? 0,
    last_msg_seq: view?.lastSeq ?? 0,
    readed_to_msg_seq: view?.readedToSeq ?? 0,
    created_at: 0,
    updated_at: Math.floor(updatedMs / 1000),
    created_at_format: "",
    updated_at_format: minuteText(updatedMs),
  });
}
