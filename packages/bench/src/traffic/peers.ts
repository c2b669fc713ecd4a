/** Receivers without a connection: how many a sender goes round, and their names. */
import type { Flow } from "../scenario/scenario.ts";

export const PEER_DIGITS = 8;

/** 0: the channel's name is the whole of it. `newPerson` never comes round. */
export function peersOf(flow: Flow): number {
  if (flow.channel === "newPerson") return 10 ** PEER_DIGITS;
  return flow.channel === "persons" ? flow.peers : 0;
}

/** What follows the channel's name. */
export function peerText(peer: number): string {
  return String(peer).padStart(PEER_DIGITS, "0");
}
