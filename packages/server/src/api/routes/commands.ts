/** Offline commands: what a user has not acknowledged of the command logs of his channels, and his acknowledgement. */
import type { HttpAnswer } from "../../world/world.ts";
import { bare, failure, ok } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, post } from "../api-route.ts";
import { type Decoded, INT, object, UID, UINT64 } from "../json-schema.ts";
import { writeList } from "../json-writer.ts";
import { messageJson } from "../message-json.ts";

type CommandDeps = Pick<ApiDeps, "commands" | "world"> & {
  readonly options: Pick<ApiDeps["options"], "commandSyncOff">;
};

const SYNC = object("syncReq", { uid: UID, message_seq: UINT64, limit: INT });
const ACKNOWLEDGE = object("syncackReq", { uid: UID, last_message_seq: UINT64 });

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 10_000;

export function commandRoutes(deps: CommandDeps): readonly ApiRoute[] {
  const { commands, options } = deps;
  const sync = post("/message/sync", SYNC, (body) => handOut(deps, body));
  const acknowledge = post("/message/syncack", ACKNOWLEDGE, async (body) => {
    if (body.uid === "") return failure("用户UID不能为空！");
    if (body.last_message_seq === 0n) return failure("最后一次messageSeq不能为0！");
    await commands.acknowledge(body.uid, Number(body.last_message_seq));
    return ok();
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
  if (body.uid === "") return failure("用户uid不能为空！");
  if (body.limit < 0) return failure("limit不能为负数！");
  const limit = body.limit === 0 ? LIMIT_DEFAULT : Math.min(body.limit, LIMIT_MAX);
  return bare(await writeList(await commands.sync(body.uid, limit), messageJson, world.timers));
}
