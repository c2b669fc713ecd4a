/** Commands: the second log of a channel. What a user has acknowledged of it is one cursor per channel in his row, for all his devices. */
import type { ChannelKey, MessageId, StoredMessage } from "./message.ts";

export interface Commands {
  /**
   * The oldest `limit` commands that the user has not acknowledged, over all his channels, in id order; fewer when they are
   * large. What is handed out of a channel is always the next of it, without a gap. Remembered for `acknowledge`.
   */
  sync(uid: string, limit: number): Promise<readonly StoredMessage[]>;
  /**
   * The user has what a sync handed out. `lastSeq`, the seq of the last message he got, tells which sync is meant; when it
   * fits none, what all remembered ones have in common counts. Resolves when durable; without a sync nothing happens.
   */
  acknowledge(uid: string, lastSeq: number): Promise<void>;
}

/** What RECVACKs tell. Never throws; what is not taken in comes again by sync. */
export interface CommandReceipts {
  /** The user has this command: his cursor moves when there is no gap before it. */
  received(uid: string, channel: ChannelKey, seq: number): void;
  /** The same by the id alone, when the server no longer knows what it had sent. */
  receivedById(uid: string, id: MessageId): void;
}
