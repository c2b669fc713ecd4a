import type { FanOutStats } from "../../delivery/fan-out.ts";
import type { PendingAcksStats } from "../../delivery/pending-acks.ts";
import type { SendingStats } from "../../messaging/sending-stats.ts";
import { byKey, type Family } from "./family.ts";
import { byReason } from "./reason-names.ts";

export interface MessageMetrics {
  readonly sending: SendingStats;
  readonly fanOut: FanOutStats & { readonly droppedMessages: number };
  readonly acks: PendingAcksStats;
}

export const MESSAGE_FAMILIES: readonly Family<MessageMetrics>[] = [
  {
    name: "wk_send_total",
    kind: "counter",
    help: "Messages that were to be sent, by reason. origin: client, or server for the HTTP API.",
    labels: ["origin", "reason"],
    read: ({ sending }) => [...byReason(sending.client, "client"), ...byReason(sending.server, "server")],
  },
  {
    name: "wk_dedupe_hits_total",
    kind: "counter",
    help: "Messages that had been sent before and were answered with the first id and seq.",
    read: ({ sending }) => sending.repeated,
  },
  {
    name: "wk_delivery_total",
    kind: "counter",
    help: "Messages times receivers. pushed: handed to one session. offline: a receiver without a session, who finds it by sync.",
    labels: ["result"],
    read: ({ fanOut }) => byKey({ pushed: fanOut.pushed, offline: fanOut.offline }),
  },
  {
    name: "wk_delivery_dropped_messages_total",
    kind: "counter",
    help: "Messages that were pushed to nobody, for want of room or because their receivers could not be read. They are found by sync.",
    read: ({ fanOut }) => fanOut.droppedMessages,
  },
  {
    name: "wk_fanout_recipients",
    kind: "histogram",
    help: "Receivers of a message, online or not.",
    read: ({ fanOut }) => fanOut.recipients,
  },
  {
    name: "wk_recvack_total",
    kind: "counter",
    help: "RECVACKs. unknown: of nothing that waits, as after a restart.",
    labels: ["result"],
    read: ({ acks }) => byKey({ acknowledged: acks.acked, unknown: acks.unknown }),
  },
  {
    name: "wk_retry_waiting",
    kind: "gauge",
    help: "Pushes that wait for their RECVACK.",
    read: ({ acks }) => acks.waiting,
  },
  {
    name: "wk_retry_total",
    kind: "counter",
    help: "resent: pushed again. exhausted: pushed as often as messageRetry.maxCount allows and never acknowledged. forgotten: beyond limits.pendingAcksMax.",
    labels: ["outcome"],
    read: ({ acks }) => byKey({ resent: acks.resent, exhausted: acks.exhausted, forgotten: acks.forgotten }),
  },
];
