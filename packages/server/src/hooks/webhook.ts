/** What the makers of webhook events see of their delivery. */
import type { MessageId } from "../messaging/message.ts";

/** The names of WuKongIM's events; `webhook.focusEvents` chooses among them. */
export type EventName = "msg.notify" | "msg.offline" | "user.onlinestatus";

export interface WebhookEvent {
  readonly name: EventName;
  /** Tells the receiver that it has seen the event: the same over all tries. Letters, digits, `_` and `-`. */
  readonly id: string;
  /** JSON in UTF-8; not changed any more. */
  readonly body: Uint8Array;
  /** The messages it tells of, so that a dead letter can be found by one of them. */
  readonly messageIds?: readonly MessageId[];
}

/** The way to one receiver: an HTTP address or a gRPC one. */
export interface WebhookSender {
  /** Whether the receiver is told of such events at all. */
  wants(name: EventName): boolean;
  /**
   * Resolves when the receiver has taken the event, or has refused it so often that it is a durable dead letter. While
   * the receiver is down it is tried again without end: at most `limits.webhookRequestsMax` requests are under way,
   * and to one that is down only one at a time, with growing pauses. Events of one caller keep their order if he waits
   * for each. Rejects with `WebhookStopped` when the server stops: the event may or may not have arrived.
   */
  deliver(event: WebhookEvent): Promise<void>;
}

/** The server stops: the event may or may not have arrived, and nobody tries again in this life of the process. */
export class WebhookStopped extends Error {
  override readonly name = "WebhookStopped";
}
