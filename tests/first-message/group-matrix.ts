/** The smaller matrix, of groups: when the reader became a member and who speaks. Pure, as the one of persons. */
import type { Restart } from "./matrix.ts";

/** What happened to the reader's membership, and when, as seen from the messages under test. */
type Membership =
  | "created with"
  | "added before"
  | "added during"
  | "added after"
  | "removed before"
  | "removed after"
  | "removed and added again before"
  /** While he has two unread messages already. */
  | "added again while a member"
  | "on the deny list"
  | "on the deny list and off again";
type Speaker =
  | "client of a member"
  | "client of an outsider"
  | "client of a removed member"
  | "client of a member on the deny list"
  | "client of a member beside the allow list"
  | "client of a member on the allow list"
  | "HTTP as member"
  | "HTTP as outsider"
  | "HTTP without a user";
export interface GroupCell {
  readonly membership: Membership;
  readonly speaker: Speaker;
  readonly size: "alone" | "burst";
  readonly reader: "offline" | "online then offline";
  readonly restart: Restart;
}

const MEMBERSHIPS: readonly Membership[] = [
  "created with",
  "added before",
  "added during",
  "added after",
  "removed before",
  "removed after",
  "removed and added again before",
  "added again while a member",
  "on the deny list",
  "on the deny list and off again",
];
const SPEAKERS: readonly Speaker[] = [
  "client of a member",
  "client of an outsider",
  "client of a removed member",
  "client of a member on the deny list",
  "client of a member beside the allow list",
  "client of a member on the allow list",
  "HTTP as member",
  "HTTP as outsider",
  "HTTP without a user",
];

export function groupCellsOf(restart: Restart): GroupCell[] {
  return MEMBERSHIPS.flatMap((membership) =>
    SPEAKERS.flatMap((speaker) =>
      (["alone", "burst"] as const).flatMap((size) =>
        (["offline", "online then offline"] as const).map((reader) => ({ membership, speaker, size, reader, restart })),
      ),
    ),
  );
}

/** The reason that the messages under test must be answered with. */
export function groupVerdictOf({ speaker }: GroupCell): number {
  switch (speaker) {
    case "client of an outsider":
    case "client of a removed member":
      return 3;
    case "client of a member on the deny list":
      return 4;
    case "client of a member beside the allow list":
      return 13;
    case "client of a member":
    case "client of a member on the allow list":
    case "HTTP as member":
    case "HTTP as outsider":
    case "HTTP without a user":
      return 1;
  }
}

export function isClientSpeaker({ speaker }: GroupCell): boolean {
  return speaker.startsWith("client");
}
/** Whether the speaker has the group in his own list. */
export function isMemberSpeaker({ speaker }: GroupCell): boolean {
  return speaker.startsWith("client of a member") || speaker === "HTTP as member";
}

export function groupMessageCount({ size }: GroupCell): number {
  return size === "burst" ? 4 : 1;
}

/** How many messages the group has before those under test; they come from somebody else, by HTTP. */
export function earlierCount({ membership }: GroupCell): number {
  if (membership === "added again while a member") return 2;
  return membership === "removed and added again before" ? 3 : 0;
}

/** From which seq on the messages count as unread for the reader: the one he had joined or read to, + 1. */
type ReaderView =
  | { readonly listed: false }
  | { readonly listed: true; readonly countsFrom: number }
  /** It depends on how the call and the messages met, but what is before his joining is read and the rest is unread. */
  | { readonly listed: true; readonly countsFrom: "where he joined" };

export function readerViewOf(cell: GroupCell, headSeq: number): ReaderView {
  if (headSeq === 0) return { listed: false };
  switch (cell.membership) {
    case "removed before":
    case "removed after":
      return { listed: false };
    case "added during":
      return { listed: true, countsFrom: "where he joined" };
    case "added after":
      return { listed: true, countsFrom: headSeq + 1 };
    case "removed and added again before":
      return { listed: true, countsFrom: earlierCount(cell) + 1 };
    case "created with":
    case "added before":
    case "added again while a member":
    case "on the deny list":
    case "on the deny list and off again":
      return { listed: true, countsFrom: 1 };
  }
}

/** Whether the reader is a member while the messages under test are sent. */
export function isMemberMeanwhile({ membership }: GroupCell): boolean {
  return membership !== "added during" && membership !== "added after" && membership !== "removed before";
}

export function nameOfGroupCell({ membership, speaker, size, reader, restart }: GroupCell): string {
  return `reader ${membership}, ${speaker}, ${size}, reader ${reader}, restart ${restart}`;
}
