/**
 * The matrix of reasons as data: who sends what where, and what he must be told. Nothing here talks to a server, so the
 * expected reason cannot be copied from one.
 */

/** How the sender stands to a channel that is no person's. */
export interface Standing {
  readonly isMember: boolean;
  readonly isDenied: boolean;
  /** The allow list: empty, of others, or with him on it. */
  readonly allowList: "empty" | "others" | "him";
}
export type Origin = "client" | "client of a system account" | "HTTP";
/** What is set when he sends; `sendBan` is on his own record. */
export interface Flags {
  readonly ban: boolean;
  readonly disband: boolean;
  readonly sendBan: boolean;
  /** The message is a command (SyncOnce). */
  readonly asCommand: boolean;
}

export interface ChannelCell {
  readonly type: number;
  readonly origin: Origin;
  /** He belongs to the channel by its id. */
  readonly isImplied: boolean;
  readonly standing: Standing;
  readonly flags: Flags;
}
export interface PersonCell {
  /** `whitelistOffOfPerson` of the server. */
  readonly allowListOff: boolean;
  readonly origin: Origin;
  readonly receiver: "another" | "himself" | "a system account";
  /** Of the receiver's lists. */
  readonly isDenied: boolean;
  readonly allowList: Standing["allowList"];
  readonly flags: Flags;
}

const CUSTOMER_SERVICE = 3;
const INFO = 6;
const VISITORS = 10;
const AGENT = 11;
const TYPES = [0, 2, CUSTOMER_SERVICE, 4, 5, INFO, 7, 8, 9, VISITORS, AGENT, 12, 13, 200];
const NEVER_BANNED = [CUSTOMER_SERVICE, INFO, VISITORS, AGENT];
const ORIGINS: readonly Origin[] = ["client", "client of a system account", "HTTP"];
const ALLOW_LISTS: readonly Standing["allowList"][] = ["empty", "others", "him"];

const NO_FLAGS: Flags = { ban: false, disband: false, sendBan: false, asCommand: false };
const FLAGS: readonly Flags[] = [
  NO_FLAGS,
  { ...NO_FLAGS, ban: true },
  { ...NO_FLAGS, disband: true },
  { ...NO_FLAGS, ban: true, disband: true },
  { ...NO_FLAGS, ban: true, sendBan: true },
  { ...NO_FLAGS, sendBan: true, asCommand: true },
  { ...NO_FLAGS, ban: true, disband: true, asCommand: true },
];

/** Every standing for clients; for those above lists only the one that would hold others back most, and the plainest. */
const STANDINGS: readonly Standing[] = [false, true].flatMap((isMember) =>
  [false, true].flatMap((isDenied) => ALLOW_LISTS.map((allowList) => ({ isMember, isDenied, allowList }))),
);
const PLAIN: Standing = { isMember: false, isDenied: false, allowList: "empty" };
const WORST: Standing = { isMember: false, isDenied: true, allowList: "others" };

export function channelCells(): ChannelCell[] {
  return TYPES.flatMap((type) =>
    ORIGINS.flatMap((origin) =>
      [false, true]
        .filter((isImplied) => !isImplied || [CUSTOMER_SERVICE, VISITORS, AGENT].includes(type))
        .flatMap((isImplied) =>
          (origin === "client" && !isImplied ? STANDINGS : [PLAIN, WORST])
            .filter(({ isMember }) => !isMember || canHaveMembers(type))
            .flatMap((standing) => FLAGS.map((flags) => ({ type, origin, isImplied, standing, flags }))),
        ),
    ),
  );
}

export function personCells(allowListOff: boolean): PersonCell[] {
  return ORIGINS.flatMap((origin) =>
    (["another", "himself", "a system account"] as const).flatMap((receiver) =>
      [false, true].flatMap((isDenied) =>
        ALLOW_LISTS.flatMap((allowList) =>
          FLAGS.map((flags) => ({ allowListOff, origin, receiver, isDenied, allowList, flags })),
        ),
      ),
    ),
  );
}

/** The API cannot add members to a channel of type 0 (it takes it for 2), nor to the stored id of an agent channel. */
function canHaveMembers(type: number): boolean {
  return type !== 0 && type !== AGENT;
}

const SUCCESS = 1;
const NO_MEMBER = 3;
const DENIED = 4;
const NOT_ALLOWED = 13;
const BAN = 19;
const DISBAND = 24;
const SEND_BAN = 25;

export function channelReason({ type, origin, isImplied, standing, flags }: ChannelCell): number {
  const early = flagReason(origin, flags, !NEVER_BANNED.includes(type));
  if (early !== undefined) return early;
  if (type === CUSTOMER_SERVICE || type === INFO || isImplied || origin !== "client") return SUCCESS;
  if (standing.isDenied) return DENIED;
  if (!standing.isMember) return NO_MEMBER;
  return standing.allowList === "others" ? NOT_ALLOWED : SUCCESS;
}

export function personReason({ allowListOff, origin, receiver, isDenied, allowList, flags }: PersonCell): number {
  const early = flagReason(origin, flags, true);
  if (early !== undefined) return early;
  if (origin !== "client" || receiver === "a system account") return SUCCESS;
  if (isDenied) return DENIED;
  return allowListOff || allowList === "him" ? SUCCESS : NOT_ALLOWED;
}

/** Commands go through banned and disbanded channels. */
function flagReason(origin: Origin, flags: Flags, isBannable: boolean): number | undefined {
  if (flags.sendBan && origin !== "HTTP") return SEND_BAN;
  if (!isBannable || flags.asCommand) return undefined;
  if (flags.ban) return BAN;
  return flags.disband ? DISBAND : undefined;
}
