/** Who a message is for, at the moment it is pushed: durable members and those its channel's id implies. */
import type { Channel } from "./channel.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { kindOf } from "./channel-kinds.ts";
import type { StoredMessage } from "./message.ts";

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

export class ChannelReceivers implements Receivers {
  readonly #channels: ChannelCache;

  constructor(channels: ChannelCache) {
    this.#channels = channels;
  }

  of(message: StoredMessage): ReceiverSet | Promise<ReceiverSet> {
    if (message.receivers !== undefined) return fixed(message.receivers);
    const kind = kindOf(message.channel.type);
    if (kind.members === "implied") return fixed(kind.implied(message.channel.id));
    const channel = this.#channels.peek(message.channel);
    if (channel === undefined) return this.#channels.loadPinned(message.channel).then(walk);
    channel.pins++;
    return walk(channel);
  }
}

function fixed(uids: readonly string[]): ReceiverSet {
  return { uids, count: uids.length, release: () => {} };
}

/** The channel is pinned by the caller. */
function walk(channel: Channel): ReceiverSet {
  const { implied } = channel;
  return {
    uids: implied.length === 0 ? channel.members.durable() : withImplied(channel, implied),
    count: channel.members.durableSize + implied.length,
    release: () => {
      channel.pins--;
    },
  };
}

function* withImplied(channel: Channel, implied: readonly string[]): Iterable<string> {
  yield* implied;
  for (const uid of channel.members.durable()) if (!implied.includes(uid)) yield uid;
}
