import type { WebhooksState } from "../../hooks/webhooks.ts";
import type { Family } from "./family.ts";

export const WEBHOOK_FAMILIES: readonly Family<WebhooksState>[] = [
  {
    name: "wk_webhook_lag_messages",
    kind: "gauge",
    help: "Stored messages whose events have not been delivered yet; soon after a start a lower bound.",
    labels: ["follower"],
    read: ({ followers }) => followers.map(({ name, lagMessages }) => ({ labels: [name], value: lagMessages })),
  },
  {
    name: "wk_webhook_oldest_seconds",
    kind: "gauge",
    help: "Age of the oldest of them. 0: there is none.",
    labels: ["follower"],
    read: ({ followers }) => followers.map(({ name, oldestAgeMs }) => ({ labels: [name], value: oldestAgeMs / 1000 })),
  },
  {
    name: "wk_webhook_calls_total",
    kind: "counter",
    help: "Calls of a receiver by what became of them; a laid-aside one is a dead letter.",
    labels: ["receiver", "outcome"],
    read: ({ receivers }) =>
      receivers.flatMap(({ name, taken, failedTries, laidAside }) => [
        { labels: [name, "taken"], value: taken },
        { labels: [name, "failed"], value: failedTries },
        { labels: [name, "laid_aside"], value: laidAside },
      ]),
  },
  {
    name: "wk_webhook_receiver_up",
    kind: "gauge",
    help: "0: the receiver does not take events, and they wait.",
    labels: ["receiver"],
    read: ({ receivers }) => receivers.map(({ name, isDown }) => ({ labels: [name], value: isDown ? 0 : 1 })),
  },
  {
    name: "wk_webhook_calls_waiting",
    kind: "gauge",
    help: "Calls of a receiver that wait for their turn or for their next try.",
    labels: ["receiver"],
    read: ({ receivers }) => receivers.map(({ name, waiting }) => ({ labels: [name], value: waiting })),
  },
  {
    name: "wk_webhook_dead_letters",
    kind: "gauge",
    help: "Events that a receiver has refused and that are kept.",
    read: ({ deadLetters }) => deadLetters.count,
  },
  {
    name: "wk_webhook_dead_letter_bytes",
    kind: "gauge",
    help: "Their size.",
    read: ({ deadLetters }) => deadLetters.bytes,
  },
];
