/** Offline commands: what a user has not acknowledged of the command logs of his channels, and his acknowledgement. */
import type { HttpAnswer } from "../../world/world.ts";
import { listOf, SUCCESS } from "../answer-schema.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, route } from "../api-route.ts";
import { about, type Decoded, INT, object, UID, UINT64 } from "../json-schema.ts";
import { writeList } from "../json-writer.ts";
import { MESSAGE, MESSAGE_EXAMPLE, messageJson } from "../message-json.ts";

type CommandDeps = Pick<ApiDeps, "commands" | "world"> & {
  readonly options: Pick<ApiDeps["options"], "commandSyncOff">;
};

const SYNC = object(
  "syncReq",
  {
    uid: UID,
    message_seq: about(UINT64, "Not used."),
    limit: about(INT, "0 is 200; at most 10,000."),
  },
  ["uid"],
);
const ACKNOWLEDGE = object(
  "syncackReq",
  { uid: UID, last_message_seq: about(UINT64, "The seq of the last command that was handed out.") },
  ["uid", "last_message_seq"],
);

const NO_UID = "用户uid不能为空！";
const NEGATIVE_LIMIT = "limit不能为负数！";
const NO_UID_TO_ACKNOWLEDGE = "用户UID不能为空！";
const NO_SEQ = "最后一次messageSeq不能为0！";

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 10_000;

export function commandRoutes(deps: CommandDeps): readonly ApiRoute[] {
  const { commands, options } = deps;
  const sync = route({
    method: "POST",
    path: "/message/sync",
    tag: "Messages",
    summary: "Hand out the commands that a user has not acknowledged",
    details:
      "The oldest over all his channels, in the order they were sent. They come again until they are acknowledged.",
    body: SYNC,
    answers: { 200: listOf(MESSAGE) },
    refusals: [NO_UID, NEGATIVE_LIMIT],
    example: {
      body: { uid: "bob", limit: 10 },
      answer: [
        {
          ...MESSAGE_EXAMPLE,
          header: { no_persist: 0, red_dot: 0, sync_once: 1 },
          client_msg_no: "refresh-1",
          channel_id: "group1____cmd",
          channel_type: 2,
          payload: "eyJjbWQiOiJyZWZyZXNoIn0=",
        },
      ],
    },
    handle: ({ body }) => handOut(deps, body),
  });
  const acknowledge = route({
    method: "POST",
    path: "/message/syncack",
    tag: "Messages",
    summary: "Acknowledge the commands of a sync",
    details: "For all devices of the user, and for exactly the sync whose last message it names.",
    body: ACKNOWLEDGE,
    answers: { 200: SUCCESS },
    refusals: [NO_UID_TO_ACKNOWLEDGE, NO_SEQ],
    example: { body: { uid: "bob", last_message_seq: 1 }, answer: { status: 200 } },
    handle: async ({ body }) => {
      if (body.uid === "") return failure(NO_UID_TO_ACKNOWLEDGE);
      if (body.last_message_seq === 0n) return failure(NO_SEQ);
      await commands.acknowledge(body.uid, Number(body.last_message_seq));
      return ok();
    },
  });
  // Switched off they do not even look at the body.
  if (options.commandSyncOff)
    return [
      { ...sync, handle: () => bare("[]") },
      { ...acknowledge, handle: () => ok() },
    ];
  return [sync, acknowledge];
}

async function handOut({ commands, world }: CommandDeps, body: Decoded<typeof SYNC>): Promise<HttpAnswer> {
  if (body.uid === "") return failure(NO_UID);
  if (body.limit < 0) return failure(NEGATIVE_LIMIT);
  const limit = body.limit === 0 ? LIMIT_DEFAULT : Math.min(body.limit, LIMIT_MAX);
  return bare(await writeList(await commands.sync(body.uid, limit), messageJson, world.timers));
}
