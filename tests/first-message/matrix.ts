/**
 * The first-message matrix as data: which cells there are and what the server must say to each. Nothing here talks to a
 * server, so the expected verdict cannot be copied from one.
 */

/** Who has whom on the list of those who may write to him. */
type Listing = "nobody" | "sender lists receiver" | "receiver lists sender" | "both";
/** The call that made the list. */
type ListCall = "add" | "set";
/** By which way and as whom the messages come. */
type SenderKind =
  | "client"
  | "JSON-RPC client"
  | "HTTP as user"
  | "HTTP as system account"
  /** A system account that has a client of its own. */
  | "client of a system account"
  /** The account without a person behind it, whose chats are not listed. */
  | "HTTP as ____system";
/** What went before, and how the messages are sent. */
type Situation =
  | "alone"
  /** Three at once: in one write of a client, or as three requests at the same time. */
  | "burst"
  | "after a NoPersist"
  | "after a refused one"
  | "after deletion of the chat"
  /**
   * The channel is there (its record was written under its stored id, its history was asked for), but nobody was ever
   * sent a stored message in it, so neither side has it in his list.
   */
  | "channel without rows";
type ReceiverKind =
  /** Was logged in and asked for his list before, and is gone. */
  | "offline"
  /** There while the messages come, and gone before his list is read. */
  | "online then offline"
  | "never seen before";
export type Restart = "none" | "SIGTERM" | "SIGKILL";

export interface Cell {
  /** `whitelistOffOfPerson` of the server. */
  readonly allowListOff: boolean;
  readonly listing: Listing;
  readonly listCall: ListCall;
  readonly sender: SenderKind;
  readonly situation: Situation;
  readonly receiver: ReceiverKind;
  readonly restart: Restart;
}

const LISTINGS: readonly { readonly listing: Listing; readonly listCall: ListCall }[] = [
  { listing: "nobody", listCall: "add" },
  ...(["sender lists receiver", "receiver lists sender", "both"] as const).flatMap((listing) =>
    (["add", "set"] as const).map((listCall) => ({ listing, listCall })),
  ),
];
const SENDERS: readonly SenderKind[] = ["client", "JSON-RPC client", "HTTP as user", "HTTP as system account"];
/** No list concerns them: one listing is enough. */
const SENDERS_ABOVE_LISTS: readonly SenderKind[] = ["client of a system account", "HTTP as ____system"];
const SITUATIONS: readonly Situation[] = [
  "alone",
  "burst",
  "after a NoPersist",
  "after a refused one",
  "after deletion of the chat",
  "channel without rows",
];
const RECEIVERS: readonly ReceiverKind[] = ["offline", "online then offline", "never seen before"];
export const RESTARTS: readonly Restart[] = ["none", "SIGTERM", "SIGKILL"];

/** All cells of one server process between two restarts. */
export function cellsOf(allowListOff: boolean, restart: Restart): Cell[] {
  const cells: Cell[] = [];
  const add = (sender: SenderKind, listings: typeof LISTINGS): void => {
    for (const { listing, listCall } of listings)
      for (const situation of SITUATIONS)
        for (const receiver of RECEIVERS)
          cells.push({ allowListOff, listing, listCall, sender, situation, receiver, restart });
  };
  for (const sender of SENDERS) add(sender, LISTINGS);
  for (const sender of SENDERS_ABOVE_LISTS) add(sender, LISTINGS.slice(0, 1));
  return cells;
}

export const ACCEPTED = 1;
const NOT_IN_ALLOW_LIST = 13;

/** The reason that the messages under test must be answered with. */
export function verdictOf(cell: Cell): number {
  if (!isBoundByLists(cell)) return ACCEPTED; // what the server sends itself, and system accounts, are above lists
  if (cell.allowListOff) return ACCEPTED;
  return isListed(cell, "receiver") ? ACCEPTED : NOT_IN_ALLOW_LIST;
}

/** Whether `owner` has the other one on his list. */
export function isListed(cell: Cell, owner: "sender" | "receiver"): boolean {
  return cell.listing === "both" || cell.listing === `${owner} lists ${owner === "sender" ? "receiver" : "sender"}`;
}

/** A user whose own client sends. */
export function isBoundByLists(cell: Cell): boolean {
  return cell.sender === "client" || cell.sender === "JSON-RPC client";
}

export function isClient(cell: Cell): boolean {
  return cell.sender === "client" || cell.sender === "client of a system account";
}

/** How many messages are under test. */
export function messageCount(cell: Cell): number {
  return cell.situation === "burst" ? 3 : 1;
}

/** The one named exception: the chat with ____system is stored and delivered, but in nobody's list. */
export function isListedChat(cell: Cell): boolean {
  return cell.sender !== "HTTP as ____system";
}

export function nameOf(cell: Cell): string {
  const { allowListOff, listing, listCall, sender, situation, receiver, restart } = cell;
  const lists = listing === "nobody" ? listing : `${listing} by whitelist_${listCall}`;
  return `whitelistOffOfPerson=${allowListOff}, ${lists}, ${sender}, ${situation}, receiver ${receiver}, restart ${restart}`;
}
