/** What a user does to his own row: read, mark as unread, delete. Marks only move up; without a row there is nothing to do. */
import { createBatch } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import type { ChannelCache } from "./channel-cache.ts";
import type { Conversation } from "./conversation.ts";
import type { Conversations } from "./conversations.ts";
import type { IdGenerator } from "./ids.ts";
import type { ChannelKey, Mark } from "./message.ts";

export interface ReadMarksDeps {
  readonly store: Store;
  readonly channels: ChannelCache;
  readonly conversations: Conversations;
  readonly ids: IdGenerator;
}

export class ReadMarks {
  readonly #deps: ReadMarksDeps;

  constructor(deps: ReadMarksDeps) {
    this.#deps = deps;
  }

  clearUnread(uid: string, channel: ChannelKey): Promise<void> {
    return this.#change(uid, channel, (row, head) => ({ ...row, read: upper(row.read, head), markedUnread: 0 }));
  }

  setUnread(uid: string, channel: ChannelKey, unread: number): Promise<void> {
    return this.#change(uid, channel, (row, head) => ({
      ...row,
      read: upper(row.read, head),
      markedUnread: Math.min(unread, Math.max(0, head.seq - row.deletedTo.seq)),
    }));
  }

  delete(uid: string, channel: ChannelKey): Promise<void> {
    return this.#change(uid, channel, (row, head) => ({
      ...row,
      deletedTo: upper(row.deletedTo, head),
      markedUnread: 0,
    }));
  }

  /** `head` is the durable one: what the user can have seen. */
  async #change(
    uid: string,
    channel: ChannelKey,
    apply: (row: Conversation, head: Mark) => Conversation,
  ): Promise<void> {
    const { store, channels, conversations, ids } = this.#deps;
    const row = conversations.decided(uid, channel);
    if (row === undefined) return;
    const { seq, counted } = channels.durableHead(channel, "chat");
    const refusal = store.refusal();
    if (refusal !== null) throw new StoreUnavailable(refusal);
    const batch = createBatch(shardOfUser(uid));
    // The clock may have been set back since: a row's changes grow, or the user's other devices would miss this one.
    ids.continueAfter(row.changed);
    const write = conversations.decide(batch, uid, row, { ...apply(row, { seq, counted }), changed: ids.next() });
    await conversations.commit(batch, [write]);
  }
}

function upper(a: Mark, b: Mark): Mark {
  return b.seq > a.seq ? b : a;
}
