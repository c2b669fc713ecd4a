/** What open connections have moved so far, summed up. */
import type { LiveConnection } from "../delivery/live-connections.ts";
import { INT, type IntegerSchema } from "./json-schema.ts";

type Traffic<Value> = Readonly<
  Record<"send_msg_count" | "recv_msg_count" | "send_msg_bytes" | "recv_msg_bytes", Value>
>;

export const TRAFFIC: Traffic<IntegerSchema> = {
  send_msg_count: INT,
  recv_msg_count: INT,
  send_msg_bytes: INT,
  recv_msg_bytes: INT,
};

export function trafficJson(live: readonly LiveConnection[]): Traffic<number> {
  const sum = (numberOf: (connection: LiveConnection) => number): number =>
    live.reduce((total, connection) => total + numberOf(connection), 0);
  return {
    send_msg_count: sum(({ inMessages }) => inMessages),
    recv_msg_count: sum(({ outMessages }) => outMessages),
    send_msg_bytes: sum(({ inMessageBytes }) => inMessageBytes),
    recv_msg_bytes: sum(({ outMessageBytes }) => outMessageBytes),
  };
}
