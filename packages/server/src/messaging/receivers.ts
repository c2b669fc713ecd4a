/** Who a message is for, at the moment it is pushed: durable members and those its channel's id implies. */
import type { Receivers, ReceiverSet } from "../delivery/receivers.ts";
import type { Channel } from "./channel.ts";
import type { ChannelCache } from "./channel-cache.ts";
import { kindOf } from "./channel-kinds.ts";
import type { StoredMessage } from "./message.ts";

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
  const implied = channel.kind.implied(channel.key.id);
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
