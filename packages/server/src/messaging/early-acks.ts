/**
 * Commands that were acknowledged while one before them was not: kept until the gap closes, so that the cursor moves over
 * all of them and they are not handed out meanwhile. Only in memory and bounded; a forgotten one is handed out once more.
 */
import type { CacheStats } from "./cache-stats.ts";
import type { CacheBounds } from "./loaded-cache.ts";
import { LruMap } from "./lru-map.ts";
import { type ChannelKey, channelText } from "./message.ts";

export interface EarlyAcksOfChannel {
  readonly uid: string;
  readonly channel: ChannelKey;
  readonly seqs: Set<number>;
  /** The cursor is being written; what comes meanwhile waits here, so one row is never written twice at a time. */
  isWriting: boolean;
}

/** Of one channel of one user; later ones are handed out again. */
const PER_CHANNEL_MAX = 1024;
const CHANNEL_COST_BYTES = 300;
const SEQ_COST_BYTES = 16;

export class EarlyAcks {
  readonly #bounds: CacheBounds;
  readonly #channels = new LruMap<EarlyAcksOfChannel>();
  #seqs = 0;
  #bytes = 0;
  #evictions = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  stats(): CacheStats {
    const { countMax, bytesMax } = this.#bounds;
    return {
      entries: this.#seqs,
      countMax,
      bytes: this.#bytes,
      bytesMax,
      hits: 0,
      misses: 0,
      evictions: this.#evictions,
    };
  }

  get count(): number {
    return this.#seqs;
  }

  of(uid: string, channel: ChannelKey): EarlyAcksOfChannel | undefined {
    return this.#channels.size === 0 ? undefined : this.#channels.peek(keyOf(uid, channel));
  }

  add(uid: string, channel: ChannelKey, seq: number): EarlyAcksOfChannel {
    const key = keyOf(uid, channel);
    let acks = this.#channels.get(key);
    if (acks === undefined) {
      acks = { uid, channel, seqs: new Set(), isWriting: false };
      this.#channels.set(key, acks);
      this.#bytes += CHANNEL_COST_BYTES + key.length * 2;
    }
    if (acks.seqs.size < PER_CHANNEL_MAX && !acks.seqs.has(seq)) {
      acks.seqs.add(seq);
      this.#seqs++;
      this.#bytes += SEQ_COST_BYTES;
    }
    while (this.#seqs > this.#bounds.countMax || this.#bytes > this.#bounds.bytesMax) {
      const oldest = this.#channels.oldest();
      // The one in use is the newest.
      if (oldest === undefined || oldest.value === acks) break;
      this.#evictions += oldest.value.seqs.size;
      this.drop(oldest.value);
    }
    return acks;
  }

  /** The last seq of the gapless run behind `seq`. */
  runEnd(acks: EarlyAcksOfChannel, seq: number): number {
    let end = seq;
    while (acks.seqs.has(end + 1)) end++;
    return end;
  }

  /** The cursor stands at `seq`: nothing up to it needs to be kept. */
  forgetUpTo(acks: EarlyAcksOfChannel, seq: number): void {
    for (const each of acks.seqs) if (each <= seq) this.#remove(acks, each);
    if (acks.seqs.size === 0 && !acks.isWriting) this.drop(acks);
  }

  drop(acks: EarlyAcksOfChannel): void {
    const key = keyOf(acks.uid, acks.channel);
    if (this.#channels.peek(key) !== acks) return;
    this.#channels.delete(key);
    this.#seqs -= acks.seqs.size;
    this.#bytes -= CHANNEL_COST_BYTES + key.length * 2 + acks.seqs.size * SEQ_COST_BYTES;
  }

  #remove(acks: EarlyAcksOfChannel, seq: number): void {
    acks.seqs.delete(seq);
    if (this.#channels.peek(keyOf(acks.uid, acks.channel)) !== acks) return;
    this.#seqs--;
    this.#bytes -= SEQ_COST_BYTES;
  }
}

/** The length keeps two pairs apart whatever characters they hold. */
function keyOf(uid: string, channel: ChannelKey): string {
  return `${uid.length}:${uid}${channelText(channel)}`;
}
