/** Flows that runs make up themselves. */
import type { Flow } from "../scenario/scenario.ts";

/** One sender who waits for each answer, and a reader. */
export const LONE_SENDER: Flow = {
  name: "lone",
  channel: "person",
  count: 1,
  members: 2,
  online: 1,
  stalled: 0,
  senders: 1,
  peers: 1,
  window: 1,
  inFlightUntil: "acknowledged",
  perSecond: 0,
  inFlightMax: 1,
  payload: [{ bytes: 100, share: 1 }],
  recvacks: true,
};

/** Senders who go round receivers without a connection. */
export function roundsOf(senders: number, peers: number, window: number, payload: Flow["payload"]): Flow {
  return { ...LONE_SENDER, name: "persons", channel: "persons", count: senders, online: 0, peers, window, payload };
}
