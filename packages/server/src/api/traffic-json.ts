/** What open connections have moved so far, summed up. */
import type { LiveConnection } from "../delivery/live-connections.ts";

export function trafficJson(live: readonly LiveConnection[]): {
  readonly send_msg_count: number;
  readonly recv_msg_count: number;
  readonly send_msg_bytes: number;
  readonly recv_msg_bytes: number;
} {
  const sum = (numberOf: (connection: LiveConnection) => number): number =>
    live.reduce((total, connection) => total + numberOf(connection), 0);
  return {
    send_msg_count: sum(({ inMessages }) => inMessages),
    recv_msg_count: sum(({ outMessages }) => outMessages),
    send_msg_bytes: sum(({ inMessageBytes }) => inMessageBytes),
    recv_msg_bytes: sum(({ outMessageBytes }) => outMessageBytes),
  };
}
