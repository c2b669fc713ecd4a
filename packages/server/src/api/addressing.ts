/**
 * Which log a caller means. Most routes take a channel as the speaking user names it (a person by his uid); some take
 * the stored id. Either may carry the suffix of the command log.
 */
import { COMMAND_SUFFIX, withCommandSuffix, withoutCommandSuffix } from "@wukong-ts/protocol";
import { internalKey, kindOf, reversedAgentKey } from "../messaging/channel-kinds.ts";
import type { History } from "../messaging/history.ts";
import type { ChannelKey, LogName } from "../messaging/message.ts";
import { isUid } from "../messaging/valid-ids.ts";

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

/** `user@agent`: the one kind of id with a special character that a send may name. */
export function isStoredAgentId({ type, id }: ChannelKey): boolean {
  const kind = kindOf(type);
  const parties = kind.name === "agent" ? kind.implied(id) : [];
  return parties.length > 0 && parties.every(isUid);
}

/**
 * Where a send of `uid` to an agent channel goes. An agent names the user and means the channel the user has opened, so
 * while only that one has messages, it is taken. All other kinds and ids stay as they are.
 */
export function openedBy(history: Pick<History, "head">, addressed: ChannelKey, uid: string): ChannelKey {
  if (addressed.id.includes("@")) return addressed;
  const own = internalKey(addressed, uid);
  const other = own && reversedAgentKey(own);
  if (own === undefined || other === undefined) return addressed;
  const isUsed = (key: ChannelKey): boolean =>
    history.head(key, "chat").seq > 0 || history.head(key, "command").seq > 0;
  if (isUsed(own) || !isUsed(other)) return addressed;
  return addressed.id.endsWith(COMMAND_SUFFIX) ? { ...other, id: withCommandSuffix(other.id) } : other;
}
