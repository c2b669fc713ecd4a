/** The matrix of the kinds whose members are, in part, implied by the id: who speaks first, and how. Pure, as the others. */
import type { Restart } from "./matrix.ts";

export type Kind = "customer service" | "visitors" | "agent" | "agent group";
export const TYPE_OF: Readonly<Record<Kind, number>> = {
  "customer service": 3,
  visitors: 10,
  agent: 11,
  "agent group": 12,
};

/** The owner belongs by the id (visitor, user of the agent), the other one by the list (by the id too, as the agent). */
export type Speaker =
  | "client of the owner"
  | "JSON-RPC client of the owner"
  | "JSON-RPC client of the other"
  | "client of the other"
  | "client of an outsider"
  | "HTTP as the owner"
  | "HTTP as the other"
  | "HTTP as an outsider"
  | "HTTP without a user";
type Situation = "alone" | "burst" | "after a NoPersist" | "after a ban" | "after deletion of the chat";
type Readers = "offline" | "online then offline" | "never seen before";

export interface KindCell {
  readonly kind: Kind;
  readonly speaker: Speaker;
  readonly situation: Situation;
  readonly readers: Readers;
  readonly restart: Restart;
}

const KINDS: readonly Kind[] = ["customer service", "visitors", "agent", "agent group"];
const SPEAKERS: readonly Speaker[] = [
  "JSON-RPC client of the owner",
  "JSON-RPC client of the other",
  "client of the owner",
  "client of the other",
  "client of an outsider",
  "HTTP as the owner",
  "HTTP as the other",
  "HTTP as an outsider",
  "HTTP without a user",
];
const SITUATIONS: readonly Situation[] = [
  "alone",
  "burst",
  "after a NoPersist",
  "after a ban",
  "after deletion of the chat",
];
const READERS: readonly Readers[] = ["offline", "online then offline", "never seen before"];

export function kindCellsOf(restart: Restart): KindCell[] {
  return KINDS.flatMap((kind) =>
    SPEAKERS.flatMap((speaker) =>
      SITUATIONS.flatMap((situation) => READERS.map((readers) => ({ kind, speaker, situation, readers, restart }))),
    ),
  );
}

const NO_MEMBER = 3;
const ACCEPTED = 1;

/** The reason that the messages under test must be answered with. A ban was lifted, or means nothing. */
export function kindVerdictOf({ kind, speaker }: KindCell): number {
  return speaker === "client of an outsider" && kind !== "customer service" ? NO_MEMBER : ACCEPTED;
}

export function kindMessageCount({ situation }: KindCell): number {
  return situation === "burst" ? 3 : 1;
}

export function nameOfKindCell({ kind, speaker, situation, readers, restart }: KindCell): string {
  return `${kind}, ${speaker}, ${situation}, readers ${readers}, restart ${restart}`;
}
