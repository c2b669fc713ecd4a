/**
 * The last hand-outs of /message/sync, per user, until they are acknowledged. Two devices may have synced before one of
 * them acknowledges, and an acknowledgement may come twice or late; so a hand-out is known by the seq of its last message,
 * and where that does not tell, only what every candidate holds counts. Forgetting one is harmless: its commands come again.
 */
import type { CacheStats } from "./cache-stats.ts";
import type { CacheBounds } from "./loaded-cache.ts";
import { LruMap } from "./lru-map.ts";
import type { ChannelKey } from "./message.ts";

/** Per channel, as text: up to where it was handed out. */
export type Positions = ReadonlyMap<string, { readonly channel: ChannelKey; readonly seq: number }>;

export interface HandOut {
  readonly positions: Positions;
  /** What a client may name as its last message: the last one's seq, or the greatest. */
  readonly lastSeqs: readonly number[];
}

interface Remembered {
  readonly handOut: HandOut;
  isDone: boolean;
}

interface UserHandOuts {
  readonly handOuts: Remembered[];
  bytes: number;
}

/** Of one user: those of several devices, and the done ones that a late repetition may mean. */
const PER_USER_MAX = 4;
const USER_COST_BYTES = 200;
const HAND_OUT_COST_BYTES = 300;
const POSITION_COST_BYTES = 150;

export class HandOuts {
  readonly #bounds: CacheBounds;
  readonly #users = new LruMap<UserHandOuts>();
  #bytes = 0;
  #evictions = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  stats(): CacheStats {
    const { countMax, bytesMax } = this.#bounds;
    return {
      entries: this.#users.size,
      countMax,
      bytes: this.#bytes,
      bytesMax,
      hits: 0,
      misses: 0,
      evictions: this.#evictions,
    };
  }

  remember(uid: string, handOut: HandOut): void {
    let known = this.#users.peek(uid)?.handOuts ?? [];
    this.#drop(uid);
    // Who gets the same again has not been understood: a repetition explains nothing then, and one of the two is enough.
    if (known.some((each) => !each.isDone && isSame(each.handOut.positions, handOut.positions)))
      known = known.filter((each) => !each.isDone && !isSame(each.handOut.positions, handOut.positions));
    const handOuts = [...known, { handOut, isDone: false }].slice(-PER_USER_MAX);
    const bytes = handOuts.reduce((sum, each) => sum + costOf(each.handOut), USER_COST_BYTES + uid.length * 2);
    this.#users.set(uid, { handOuts, bytes });
    this.#bytes += bytes;
    while (this.#users.size > this.#bounds.countMax || this.#bytes > this.#bounds.bytesMax) {
      const oldest = this.#users.oldest();
      if (oldest === undefined) break;
      this.#drop(oldest.key);
      this.#evictions++;
    }
  }

  /** What an acknowledgement with this seq means. Call `done` when it is durable, so that a failed one can be repeated. */
  meantBy(uid: string, lastSeq: number): { readonly positions: Positions; done(): void } {
    const known = this.#users.peek(uid)?.handOuts ?? [];
    const open = known.filter((each) => !each.isDone);
    const fitting = open.filter((each) => each.handOut.lastSeqs.includes(lastSeq));
    const isRepeated = known.some((each) => each.isDone && each.handOut.lastSeqs.includes(lastSeq));
    if (fitting.length === 0 && isRepeated) return NOTHING;
    const candidates = fitting.length > 0 ? fitting : open;
    const positions = common(candidates.map((each) => each.handOut.positions));
    // Of several devices with the same seq one has spoken, best the one that has no more than that; of an unknown seq
    // nobody knows who has.
    const smallest = fitting.find((each) => isSame(each.handOut.positions, positions)) ?? fitting[0];
    const spoken = smallest === undefined ? open : [smallest];
    return {
      positions,
      done() {
        for (const each of spoken) each.isDone = true;
      },
    };
  }

  #drop(uid: string): void {
    this.#bytes -= this.#users.delete(uid)?.bytes ?? 0;
  }
}

const NOTHING = { positions: new Map(), done: (): void => undefined };

function common(all: readonly Positions[]): Positions {
  const [first, ...others] = all;
  const result = new Map<string, { readonly channel: ChannelKey; readonly seq: number }>();
  for (const [text, { channel, seq }] of first ?? []) {
    const seqs = others.map((each) => each.get(text)?.seq ?? 0);
    const least = Math.min(seq, ...seqs);
    if (least > 0) result.set(text, { channel, seq: least });
  }
  return result;
}

function isSame(a: Positions, b: Positions): boolean {
  if (a.size !== b.size) return false;
  for (const [text, { seq }] of a) if (b.get(text)?.seq !== seq) return false;
  return true;
}

function costOf(handOut: HandOut): number {
  let bytes = HAND_OUT_COST_BYTES;
  for (const text of handOut.positions.keys()) bytes += POSITION_COST_BYTES + text.length * 4;
  return bytes;
}
