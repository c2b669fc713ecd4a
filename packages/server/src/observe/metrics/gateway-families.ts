import { CLOSE_REASONS, type CloseReason } from "../../gateway/close-reasons.ts";
import type { GatewayStats } from "../../gateway/gateway-stats.ts";
import { byIndex, byKey, type Family } from "./family.ts";
import { byReason } from "./reason-names.ts";

/** By packet type; 0: what was no packet, and the errors that answered it. */
const PACKET_NAMES: readonly string[] = [
  "none",
  "connect",
  "connack",
  "send",
  "sendack",
  "recv",
  "recvack",
  "ping",
  "pong",
  "disconnect",
  "sub",
  "suback",
  "event",
];

export interface GatewayMetrics extends GatewayStats {
  readonly onlineUsers: number;
  readonly connectionsMax: number;
  readonly outboxBytesMax: number;
}

export const GATEWAY_FAMILIES: readonly Family<GatewayMetrics>[] = [
  {
    name: "wk_connections",
    kind: "gauge",
    help: "Logged-in client connections.",
    labels: ["transport", "protocol", "device"],
    read: ({ sessionsBy }) =>
      sessionsBy.map(({ transport, protocol, device, count }) => ({
        labels: [transport, protocol, device],
        value: count,
      })),
  },
  {
    name: "wk_connections_open",
    kind: "gauge",
    help: "Open client connections, logged in or not.",
    read: ({ connections }) => connections,
  },
  {
    name: "wk_connections_max",
    kind: "gauge",
    help: "limits.connectionsMax: beyond it connections are closed at once.",
    read: ({ connectionsMax }) => connectionsMax,
  },
  {
    name: "wk_connections_accepted_total",
    kind: "counter",
    help: "Client connections that came in, those that were closed at once included.",
    read: ({ accepted }) => accepted,
  },
  {
    name: "wk_online_users",
    kind: "gauge",
    help: "Users with at least one logged-in connection.",
    read: ({ onlineUsers }) => onlineUsers,
  },
  {
    name: "wk_connect_total",
    kind: "counter",
    help: "CONNECTs by what became of them.",
    labels: ["reason"],
    read: ({ connects }) => byKey(connects),
  },
  {
    name: "wk_disconnect_total",
    kind: "counter",
    help: "Ended connections by why they ended; the reasons are those of the log.",
    labels: ["reason"],
    read: ({ closes }) => CLOSE_NAMES.map((reason) => ({ labels: [reason], value: closes[reason] })),
  },
  {
    name: "wk_frames_in_total",
    kind: "counter",
    help: "Packets of clients. none: bytes or JSON that were no packet.",
    labels: ["type"],
    read: ({ framesIn }) => byIndex(PACKET_NAMES, framesIn),
  },
  {
    name: "wk_frames_out_total",
    kind: "counter",
    help: "Packets queued for clients. none: errors of JSON-RPC.",
    labels: ["type"],
    read: ({ framesOut }) => byIndex(PACKET_NAMES, framesOut),
  },
  {
    name: "wk_bytes_in_total",
    kind: "counter",
    help: "Bytes of the packets of clients, without what TLS and WebSocket add.",
    labels: ["type"],
    read: ({ bytesIn }) => byIndex(PACKET_NAMES, bytesIn),
  },
  {
    name: "wk_bytes_out_total",
    kind: "counter",
    help: "Bytes of the packets queued for clients.",
    labels: ["type"],
    read: ({ bytesOut }) => byIndex(PACKET_NAMES, bytesOut),
  },
  {
    name: "wk_sendack_total",
    kind: "counter",
    help: "SENDACKs by reason, those of SENDs that were refused before messaging saw them included.",
    labels: ["reason"],
    read: ({ sendacks }) => byReason(sendacks),
  },
  {
    name: "wk_sendack_seconds",
    kind: "histogram",
    help: "From the read that brought a SEND to its SENDACK. A sample: one SEND at a time is timed.",
    read: ({ sendackSeconds }) => sendackSeconds,
  },
  {
    name: "wk_unanswered_sends",
    kind: "gauge",
    help: "SENDs that wait for their SENDACK.",
    read: ({ unansweredSends }) => unansweredSends,
  },
  {
    name: "wk_outbox_bytes",
    kind: "gauge",
    help: "Output that waits for all connections, in the server and in their sockets.",
    read: ({ outboxBytes }) => outboxBytes,
  },
  {
    name: "wk_outbox_largest_bytes",
    kind: "gauge",
    help: "The same of the connection with the most.",
    read: ({ outboxLargestBytes }) => outboxLargestBytes,
  },
  {
    name: "wk_outbox_max_bytes",
    kind: "gauge",
    help: "limits.outboxBytesMax: beyond it a connection is closed as a slow reader.",
    read: ({ outboxBytesMax }) => outboxBytesMax,
  },
];

// The keys of the table itself.
const CLOSE_NAMES = Object.keys(CLOSE_REASONS) as CloseReason[];
