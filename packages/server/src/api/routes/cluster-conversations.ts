/** The chats of users, for operators. The numbers are those of the user's own list. */
import { fnv1a64 } from "@wukong-ts/protocol";
import { kindOf } from "../../messaging/channel-kinds.ts";
import { idTimeMs } from "../../messaging/ids.ts";
import type { ListedConversation } from "../../messaging/row-browser.ts";
import type { HttpAnswer } from "../../world/world.ts";
import { BIT, shape, titled } from "../answer-schema.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import {
  LIMIT_DEFAULT,
  orBadCursor,
  PAGE_MAX,
  PAGE_QUERY,
  PAGE_REFUSALS,
  pageAnswer,
  pageOf,
  pageProblem,
  pageSchema,
} from "../browse-page.ts";
import { about, type DecodedFields, INT, UID, UINT8, UINT64 } from "../json-schema.ts";
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

const QUERY = {
  uid: about(UID, "Only this user's; left out: all."),
  ...PAGE_QUERY,
  limit: about(INT, `0 or less is ${LIMIT_DEFAULT}, with uid 1,000; at most 1,000.`),
};

const TEXT = { type: "string" };
const CONVERSATION = titled(
  "Conversation",
  shape({
    id: UINT64,
    uid: TEXT,
    type: about(BIT, "0: a chat; 1: only commands, in no chat list."),
    type_format: TEXT,
    channel_id: about(TEXT, "As it is stored."),
    channel_type: UINT8,
    channel_type_format: about(TEXT, "The name of the type."),
    unread_count: INT,
    last_msg_seq: UINT64,
    readed_to_msg_seq: UINT64,
    created_at: about(INT, "Always 0: it is not kept."),
    updated_at: about(INT, "Of the last change of the user's marks, seconds since 1970."),
    created_at_format: TEXT,
    updated_at_format: about(TEXT, "As 2026-04-22 06:40, UTC."),
  }),
);

export function clusterConversationRoutes(deps: ConversationDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/cluster/conversations",
      tag: "Browsing",
      ports: BOTH_PORTS,
      summary: "The chats of users",
      details: "unread_count and readed_to_msg_seq are those of the user's own list.",
      query: QUERY,
      answers: { 200: pageSchema(CONVERSATION) },
      refusals: PAGE_REFUSALS,
      handle: ({ query }) => orBadCursor(listConversations(deps, query)),
    }),
  ];
}

/** Of one user all that fit into a page, as the original. */
async function listConversations(deps: ConversationDeps, query: DecodedFields<typeof QUERY>): Promise<HttpAnswer> {
  const problem = pageProblem(query, deps.options.nodeId);
  if (problem !== undefined) return problem;
  const { uid } = query;
  const page = await deps.browsing.rows.conversations(pageOf(query, uid === "" ? LIMIT_DEFAULT : PAGE_MAX), uid);
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
