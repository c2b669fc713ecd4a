/** What became durable, in commit order. The tail is told from memory right after the commit. */
import type { MessageId, StoredMessage } from "../messaging/message.ts";

export type FeedListener = (messages: readonly StoredMessage[]) => void;

/** Something that is done with every durable message, at least once, across restarts: a webhook, a search index. */
export interface Follower {
  /** Its cursors are kept under it: never rename it. */
  readonly name: string;
  /** At most so many messages at a time. */
  readonly messagesMax: number;
  /** How long few messages may wait for more. 0: not at all. */
  readonly lingerMs: number;
  /**
   * One shard's messages in the order of their ids, so in the order of each channel; never twice at once for one shard.
   * The cursor moves when it resolves. When it rejects it is called again with the same messages, after growing pauses;
   * they also come again after a crash.
   */
  handle(shard: number, messages: readonly StoredMessage[]): Promise<void>;
}

export interface Following {
  readonly name: string;
  /** Durable and not handled yet. A lower bound while `isCounting`: soon after the start or a replay. */
  readonly lagMessages: number;
  readonly isCounting: boolean;
  /** Wall time of the oldest message that is not handled; undefined: there is none. */
  readonly oldestMs: number | undefined;
  /** The message of this shard has been handled. */
  isPast(shard: number, id: MessageId): boolean;
  /** Sets the cursors back, so that every message from this time (ms since 1970) or with this id on is handled again. Never forward. Resolves when that is durable. */
  replay(from: { readonly timeMs: number } | { readonly id: MessageId }): Promise<void>;
  /** Waits for what is being handled, and writes the cursors. */
  stop(): Promise<void>;
}

export class Feed {
  readonly #listeners = new Set<FeedListener>();

  tail(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `messages` are one batch's: one shard's, in id order, durable. */
  announce(messages: readonly StoredMessage[]): void {
    if (messages.length === 0) return;
    for (const listener of this.#listeners) listener(messages);
  }
}
