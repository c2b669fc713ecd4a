/** Channel administration: flags, members, deny and allow lists. Every change goes through decide of the loaded channel, so no send sees half of one. */
import type { ChannelKey } from "./message.ts";

export interface ChannelFlags {
  readonly ban: boolean;
  readonly disband: boolean;
  readonly sendBan: boolean;
  readonly large: boolean;
  readonly allowStranger: boolean;
}

export interface ListedUid {
  readonly uid: string;
  readonly createdMs: number;
}

export type ChannelListName = "members" | "deny" | "allow";

/**
 * Every promise resolves when the change is durable; it rejects with `StoreUnavailable` when it could not be made.
 * Uids must be valid ids (see `isUid`), checked by the caller. Adding who is there and removing who is not is harmless.
 */
export interface Channels {
  /** Creates the channel or overwrites all five flags. */
  setFlags(key: ChannelKey, flags: ChannelFlags): Promise<void>;
  /** undefined: no such row. Durable, at once. */
  flags(key: ChannelKey): ChannelFlags | undefined;
  /** Sets `disband` on a channel that exists; nothing otherwise. */
  disband(key: ChannelKey): Promise<void>;
  /** Creates the channel row if missing; `reset` also removes every member who is not named (who stays keeps his row). */
  addMembers(key: ChannelKey, uids: readonly string[], options: { readonly reset: boolean }): Promise<void>;
  /** Exactly these receive what the server sends; no client among them may send until members are added. */
  setReceivers(key: ChannelKey, uids: readonly string[]): Promise<void>;
  removeMembers(key: ChannelKey, uids: readonly string[]): Promise<void>;
  removeAllMembers(key: ChannelKey): Promise<void>;
  addToList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void>;
  removeFromList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void>;
  /** Replaces the list; empty clears it. */
  setList(key: ChannelKey, list: "deny" | "allow", uids: readonly string[]): Promise<void>;
  /** Durable, in uid order. */
  list(key: ChannelKey, list: ChannelListName): Promise<readonly ListedUid[]>;
}
