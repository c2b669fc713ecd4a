/**
 * The newest messages of chats that lists have asked for, kept in memory: a list asks for the same ones again and again,
 * for each member of a channel. What came since is read and put in front, so a send has nothing to do here.
 *
 *   log      … 95 96 97 98 99 100     head 100
 *   window         [97 … 99]          asked: the newest 4 → 100 is read, 97–99 are there
 */
import type { Store } from "../store/store.ts";
import type { CacheStats } from "./cache-stats.ts";
import { type CacheBounds, type Evictable, LoadedCache } from "./loaded-cache.ts";
import { type ChannelKey, channelText, type Head, type StoredMessage } from "./message.ts";
import type { MessageHistory } from "./message-history.ts";

interface Window extends Evictable {
  /** Newest first, without a gap. */
  readonly messages: readonly StoredMessage[];
  readonly lastSeq: number;
}

/** Longer answers are read each time. */
const WINDOW_MAX = 100;
const WINDOW_COST_BYTES = 300;
/** A message with its texts, and what is made of it to be shown: base64 of the payload and the texts again. */
const MESSAGE_COST_BYTES = 1000;
const PAYLOAD_FACTOR = 2.4;

export class RecentMessages {
  readonly #history: MessageHistory;
  readonly #windows: LoadedCache<Window>;

  constructor(store: Store, history: MessageHistory, bounds: CacheBounds) {
    this.#history = history;
    this.#windows = new LoadedCache(bounds);
    store.onReset(() => this.#windows.clear());
  }

  stats(): CacheStats {
    return this.#windows.stats();
  }

  /**
   * Of the chat log, newest first, at most `count`, with seq ≥ `firstSeq`. The same array for the same question while
   * nothing new has come; nobody may change it.
   */
  newest(
    channel: ChannelKey,
    head: Head,
    firstSeq: number,
    count: number,
    text: string = channelText(channel),
  ): readonly StoredMessage[] | Promise<readonly StoredMessage[]> {
    const from = Math.max(firstSeq, head.seq - count + 1, 1);
    if (from > head.seq) return [];
    // Where messages expire, others may have to take their places.
    if (head.removals > 0 || head.seq - from >= WINDOW_MAX) return this.#read(channel, firstSeq, head.seq, count);
    const wanted = head.seq - from + 1;
    const window = this.#windows.get(text);
    if (window !== undefined && window.lastSeq === head.seq && window.messages.length >= wanted) {
      this.#windows.hits++;
      return window.messages.length === wanted ? window.messages : window.messages.slice(0, wanted);
    }
    this.#windows.misses++;
    return this.#extend(channel, text, window, from, head.seq);
  }

  async #extend(
    channel: ChannelKey,
    text: string,
    window: Window | undefined,
    from: number,
    to: number,
  ): Promise<readonly StoredMessage[]> {
    const wanted = to - from + 1;
    // Who asks for a few takes nothing away from those who ask for more, unless it would have to be read for them.
    const isNear = window !== undefined && to - window.lastSeq <= wanted;
    const lowest = isNear ? Math.max(1, to - WINDOW_MAX + 1) : from;
    const kept = (window?.messages ?? []).filter((message) => message.seq >= lowest && message.seq <= to);
    const newest = kept[0]?.seq ?? from - 1;
    const oldest = kept.at(-1)?.seq ?? from;
    const behind = newest < to ? await this.#read(channel, newest + 1, to, to - newest) : [];
    // So large that not all came: what is kept stands behind a gap.
    if (behind.length < to - newest) return behind;
    const before = from < oldest ? await this.#read(channel, from, oldest - 1, oldest - from) : [];
    // As long as the longest question so far, so that it has the kept array for its answer.
    const messages = [...behind, ...kept, ...before].slice(0, Math.max(wanted, window?.messages.length ?? 0));
    if (messages.length >= wanted) this.#keep(text, { messages, lastSeq: to });
    return messages.length > wanted ? messages.slice(0, wanted) : messages;
  }

  async #read(channel: ChannelKey, from: number, to: number, limit: number): Promise<readonly StoredMessage[]> {
    const page = { channel, log: "chat", startSeq: to, endSeq: from - 1, limit, direction: "down" } as const;
    return (await this.#history.page(page)).messages.toReversed();
  }

  #keep(text: string, { messages, lastSeq }: Pick<Window, "messages" | "lastSeq">): void {
    let bytes = WINDOW_COST_BYTES + text.length * 2;
    for (const { payload } of messages) bytes += MESSAGE_COST_BYTES + payload.length * PAYLOAD_FACTOR;
    // Another reading may have come in meanwhile.
    const other = this.#windows.peek(text);
    if (other !== undefined && other.lastSeq > lastSeq) return;
    this.#windows.delete(text);
    this.#windows.set(text, { messages, lastSeq, bytes, pins: 0 });
    this.#windows.trim();
  }
}
