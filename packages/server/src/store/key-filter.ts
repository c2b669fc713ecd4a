/**
 * Which keys were certainly never written, without asking the disk. Most point reads of the road are for keys that are
 * not there (a client number seen for the first time, a new channel's head), and such a read costs LevelDB the most.
 *
 * Each shard has a chain of Bloom filters, each four times as large as the one before while there is room, so nobody need
 * know how many keys will come. Keys are added when they are handed over, before they are durable: "never written" is certain, "perhaps
 * written" is not. A shard answers only when all that its disk held at start has been added.
 */
const BITS_PER_KEY = 10;
/** All bits of a key lie in one block, which is one line of the processor's cache. */
const BLOCK_WORDS = 16;
const BITS_IN_BLOCK = 5;
const FIRST_CAPACITY = 4096;
const GROWTH = 4;

interface Bloom {
  readonly words: Uint32Array;
  readonly capacity: number;
  count: number;
}

interface ShardFilter {
  /** The newest, which takes the keys, is the last. */
  readonly blooms: Bloom[];
  isComplete: boolean;
}

export class KeyFilter {
  readonly #bytesMax: number;
  readonly #shards: (ShardFilter | undefined)[];
  #bytes = 0;
  /** Calls of `isAbsent`, and those it could say yes to. */
  lookups = 0;
  absent = 0;
  /** Of the key looked at last. */
  #hashed = 0;
  #bits = 0;

  /** Beyond `bytesMax` a shard that has to grow gives its memory back and always says "perhaps". */
  constructor(shardCount: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#shards = Array.from({ length: shardCount }, () => ({ blooms: [], isComplete: false }));
  }

  get bytes(): number {
    return this.#bytes;
  }

  isAbsent(shard: number, key: Uint8Array): boolean {
    this.lookups++;
    const filter = this.#shards[shard];
    if (filter === undefined || !filter.isComplete) return false;
    this.#hash(key);
    for (const bloom of filter.blooms) if (this.#holds(bloom)) return false;
    this.absent++;
    return true;
  }

  add(shard: number, key: Uint8Array): void {
    const filter = this.#shards[shard];
    if (filter === undefined) return;
    this.#hash(key);
    // Heads and rows are written over and over: each key takes room once.
    for (const bloom of filter.blooms) if (this.#holds(bloom)) return;
    let bloom = filter.blooms.at(-1);
    if (bloom === undefined || bloom.count >= bloom.capacity) {
      bloom = this.#grow(shard, filter);
      if (bloom === undefined) return;
    }
    const { words } = bloom;
    const block = this.#blockIn(words);
    let bits = this.#bits;
    for (let count = 0; count < BITS_IN_BLOCK; count++) {
      words[block + (bits >>> 28)]! |= 1 << (bits >>> 23);
      bits = Math.imul(bits, SPREAD);
    }
    bloom.count++;
  }

  /** Every key that the disk held at start has been added. */
  complete(shard: number): void {
    const filter = this.#shards[shard];
    if (filter !== undefined) filter.isComplete = true;
  }

  /** No room: there is no point in adding the rest. */
  isOff(shard: number): boolean {
    return this.#shards[shard] === undefined;
  }

  #holds({ words }: Bloom): boolean {
    const block = this.#blockIn(words);
    let bits = this.#bits;
    for (let count = 0; count < BITS_IN_BLOCK; count++) {
      if ((words[block + (bits >>> 28)]! & (1 << (bits >>> 23))) === 0) return false;
      bits = Math.imul(bits, SPREAD);
    }
    return true;
  }

  #blockIn(words: Uint32Array): number {
    return (this.#hashed % (words.length / BLOCK_WORDS)) * BLOCK_WORDS;
  }

  #grow(shard: number, filter: ShardFilter): Bloom | undefined {
    const last = filter.blooms.at(-1)?.capacity ?? FIRST_CAPACITY / GROWTH;
    for (let growth = GROWTH; growth >= 1; growth /= 2) {
      const capacity = last * growth;
      const words = Math.ceil((capacity * BITS_PER_KEY) / 32 / BLOCK_WORDS) * BLOCK_WORDS;
      if (this.#bytes + words * 4 > this.#bytesMax) continue;
      const bloom: Bloom = { words: new Uint32Array(words), capacity, count: 0 };
      this.#bytes += words * 4;
      filter.blooms.push(bloom);
      return bloom;
    }
    for (const bloom of filter.blooms) this.#bytes -= bloom.words.length * 4;
    this.#shards[shard] = undefined;
    return undefined;
  }

  /** One walk over the key, four bytes at a time: from it the block and the bits in it. */
  #hash(key: Uint8Array): void {
    const wholeWords = key.length & ~3;
    let hash = key.length;
    for (let at = 0; at < wholeWords; at += 4) {
      const word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
      hash = Math.imul(hash ^ Math.imul(word, SPREAD), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    for (let at = wholeWords; at < key.length; at++) hash = Math.imul(hash ^ key[at]!, 0x01000193);
    this.#hashed = finished(hash) >>> 0;
    // Odd, so that no multiplication makes it zero.
    this.#bits = finished(hash ^ SPREAD) | 1;
  }
}

/** The golden ratio in 32 bits: multiples of it are spread evenly. */
const SPREAD = 0x9e3779b1;

function finished(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
