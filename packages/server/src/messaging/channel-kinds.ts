/**
 * What the channel types differ in: one row per type. Nothing else in the server asks for a type's number.
 * Two ids exist: the *addressed* one, as a sender names a channel (a person by the peer's uid), and the *internal* one.
 */
import { personChannelId, personPeers, SYSTEM_UID, withoutCommandSuffix } from "@wukong-ts/protocol";
import type { ChannelKey } from "./message.ts";
import { isUid } from "./valid-ids.ts";

export interface ChannelKind {
  readonly type: number;
  readonly name: string;
  readonly members: "listed" | "implied" | "listed+implied";
  /** The uids that belong to the channel by its internal id, each once. Listed beside members: only who can log in. */
  implied(id: string): readonly string[];
  readonly inChatList: boolean;
  readonly keepsCommands: boolean;
  readonly checksBan: boolean;
  readonly maySend: "anyone" | "parties-or-members" | "owner-or-members" | "members" | "peer-rules";
  /** From the addressed id and who speaks; undefined: no such channel can be. */
  internalId(addressed: string, uid: string): string | undefined;
  /** How `uid` names the channel in his chat list. */
  shownId(id: string, uid: string): string;
}

const nobody: readonly string[] = [];
const listed = {
  members: "listed",
  implied: (): readonly string[] => nobody,
  internalId: (addressed: string): string => addressed,
  shownId: (id: string): string => id,
} as const;

const PERSON: ChannelKind = {
  type: 1,
  name: "person",
  members: "implied",
  implied: bothHalves,
  inChatList: true,
  keepsCommands: true,
  checksBan: true,
  maySend: "peer-rules",
  internalId: (addressed, uid) =>
    addressed === "" || addressed.includes("@") ? undefined : personChannelId(uid, addressed),
  shownId: (id, uid) => peerOf(id, uid) ?? id,
};

const COMMON = { ...listed, inChatList: true, keepsCommands: true, checksBan: true, maySend: "members" } as const;

const KINDS: readonly ChannelKind[] = [
  PERSON,
  { type: 2, name: "group", ...COMMON },
  {
    type: 3,
    name: "customer service",
    ...listed,
    members: "listed+implied",
    implied: (id) => {
      const end = id.indexOf("|");
      return end > 0 ? onlyUid(id.slice(0, end)) : nobody;
    },
    inChatList: true,
    keepsCommands: true,
    checksBan: false,
    maySend: "anyone",
  },
  { type: 4, name: "community", ...COMMON },
  { type: 5, name: "community topic", ...COMMON },
  { type: 6, name: "info", ...COMMON, checksBan: false, maySend: "anyone" },
  { type: 7, name: "data", ...COMMON, inChatList: false, keepsCommands: false },
  { type: 8, name: "temp", ...COMMON, inChatList: false },
  { type: 9, name: "live", ...COMMON, inChatList: false, keepsCommands: false },
  {
    type: 10,
    name: "visitors",
    ...listed,
    members: "listed+implied",
    implied: onlyUid,
    inChatList: true,
    keepsCommands: true,
    checksBan: false,
    maySend: "owner-or-members",
  },
  {
    type: 11,
    name: "agent",
    members: "implied",
    implied: bothHalves,
    inChatList: true,
    keepsCommands: true,
    checksBan: false,
    maySend: "parties-or-members",
    internalId: (addressed, uid) => (addressed.includes("@") ? addressed : `${uid}@${addressed}`),
    shownId: (id) => id,
  },
  { type: 12, name: "agent group", ...COMMON },
];

const OTHER = { name: "other", ...COMMON } as const;
const BY_TYPE: readonly ChannelKind[] = Array.from(
  { length: 256 },
  (_, type) => KINDS.find((kind) => kind.type === type) ?? { type, ...OTHER },
);

export function kindOf(type: number): ChannelKind {
  return BY_TYPE[type] ?? { type, ...OTHER };
}

/** The channel that `uid` means; undefined when no such channel can be. A command suffix in the id is taken off. */
export function internalKey(addressed: ChannelKey, uid: string): ChannelKey | undefined {
  const id = kindOf(addressed.type).internalId(withoutCommandSuffix(addressed.id), uid);
  return id === undefined || id === "" ? undefined : { type: addressed.type, id };
}

/** Whether a membership of this kind is worth a row. */
export function keepsRows(kind: ChannelKind): boolean {
  return kind.inChatList || kind.keepsCommands;
}

/** The other half; himself in a chat with himself; undefined when `uid` is no half. */
export function peerOf(personId: string, uid: string): string | undefined {
  const peers = personPeers(personId);
  if (peers === undefined) return undefined;
  if (peers[0] === uid) return peers[1];
  return peers[1] === uid ? peers[0] : undefined;
}

/** The agent channel between the same two in the other direction: `agent@user` for `user@agent`. */
export function reversedAgentKey(key: ChannelKey): ChannelKey | undefined {
  const peers = kindOf(key.type).name === "agent" ? personPeers(key.id) : undefined;
  return peers === undefined ? undefined : { type: key.type, id: `${peers[1]}@${peers[0]}` };
}

export function isSystemChat(key: ChannelKey): boolean {
  return key.type === PERSON.type && kindOf(key.type).implied(key.id).includes(SYSTEM_UID);
}

/** Text that nobody can log in as implies nobody. */
function onlyUid(text: string): readonly string[] {
  return isUid(text) ? [text] : nobody;
}

function bothHalves(id: string): readonly string[] {
  const peers = personPeers(id);
  if (peers === undefined) return nobody;
  return peers[0] === peers[1] ? [peers[0]] : peers;
}
