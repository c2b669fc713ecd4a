/** What became durable, in commit order. The tail is told from memory right after the commit. */
import type { StoredMessage } from "../messaging/message.ts";

export type FeedListener = (messages: readonly StoredMessage[]) => void;

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
