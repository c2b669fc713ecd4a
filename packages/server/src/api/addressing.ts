/**
 * Which log a caller means. Most routes take a channel as the speaking user names it (a person by his uid); some take
 * the stored id. Either may carry the suffix of the command log.
 */
import { COMMAND_SUFFIX, withoutCommandSuffix } from "@wukong-ts/protocol";
import { internalKey, kindOf } from "../messaging/channel-kinds.ts";
import type { ChannelKey, LogName } from "../messaging/message.ts";

export interface LogAddress {
  readonly channel: ChannelKey;
  readonly log: LogName;
}

export function isPerson(type: number): boolean {
  return kindOf(type).name === "person";
}

/** By the id that it is stored under. */
export function storedLog(id: string, type: number): LogAddress {
  return {
    channel: { type, id: withoutCommandSuffix(id) },
    log: id.endsWith(COMMAND_SUFFIX) ? "command" : "chat",
  };
}

/** As `uid` reads it: a person by his uid, all others by their stored id. undefined: there can be no such channel. */
export function readLog(uid: string, id: string, type: number): LogAddress | undefined {
  const stored = storedLog(id, type);
  if (!isPerson(type)) return stored;
  const channel = internalKey(stored.channel, uid);
  return channel === undefined ? undefined : { channel, log: stored.log };
}

/** The chat of `uid` that he names so; undefined when there can be none, or when it is a command log. */
export function chatOf(uid: string, id: string, type: number): ChannelKey | undefined {
  return id.endsWith(COMMAND_SUFFIX) ? undefined : internalKey({ type, id }, uid);
}
