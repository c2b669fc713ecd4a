/** Who is to get a message: what delivery asks of messaging, in its own words. */
import type { StoredMessage } from "../messaging/message.ts";

export interface Receivers {
  /**
   * Durable members and implied receivers of the message's channel as they are now, or the message's own list. At once
   * when the channel is loaded, else a promise; one that rejects means that nobody can be told now.
   */
  of(message: StoredMessage): ReceiverSet | Promise<ReceiverSet>;
}

export interface ReceiverSet {
  /** Each uid once. Live: a member removed while it is walked is not visited any more. */
  readonly uids: Iterable<string>;
  readonly count: number;
  /** Called exactly once, when nothing more is asked: the channel may be evicted again. */
  release(): void;
}
