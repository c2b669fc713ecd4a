/**
 * Which keys were certainly never written, without asking the disk. Most point reads of the road are for keys that are
 * not there (a client number seen for the first time, a new channel's head), and such a read costs LevelDB the most.
 *
 * Each shard has a chain of Bloom filters, each four times as large as the one before, so nobody need know how many keys
 * will come. Keys are added when they are handed over, before they are durable: "never written" is certain, "perhaps
 * written" is not. A shard answers only when all that its disk held at start has been added.
 */
const HASHES = 5;
const BITS_PER_KEY = 10;
const FIRST_CAPACITY = 1024;
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
  #hashA = 0;
  #hashB = 0;

  /** Beyond `bytesMax` a shard that has to grow gives its memory back and always says "perhaps". */
  constructor(shardCount: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#shards = Array.from({ length: shardCount }, () => ({ blooms: [], isComplete: false }));
  }

  get bytes(): number {
    return this.#bytes;
  }

  isAbsent(shard: number, key: Uint8Array): boolean {
    const filter = this.#shards[shard];
    if (filter === undefined || !filter.isComplete) return false;
    this.#hash(key);
    for (const bloom of filter.blooms) if (this.#holds(bloom)) return false;
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
    const bits = bloom.words.length * 32;
    let hash = this.#hashA;
    for (let index = 0; index < HASHES; index++) {
      const bit = (hash >>> 0) % bits;
      bloom.words[bit >>> 5]! |= 1 << (bit & 31);
      hash = (hash + this.#hashB) | 0;
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

  #holds(bloom: Bloom): boolean {
    const bits = bloom.words.length * 32;
    let hash = this.#hashA;
    for (let index = 0; index < HASHES; index++) {
      const bit = (hash >>> 0) % bits;
      if ((bloom.words[bit >>> 5]! & (1 << (bit & 31))) === 0) return false;
      hash = (hash + this.#hashB) | 0;
    }
    return true;
  }

  #grow(shard: number, filter: ShardFilter): Bloom | undefined {
    const capacity = (filter.blooms.at(-1)?.capacity ?? FIRST_CAPACITY / GROWTH) * GROWTH;
    const words = Math.ceil((capacity * BITS_PER_KEY) / 32);
    if (this.#bytes + words * 4 > this.#bytesMax) {
      for (const bloom of filter.blooms) this.#bytes -= bloom.words.length * 4;
      this.#shards[shard] = undefined;
      return undefined;
    }
    const bloom: Bloom = { words: new Uint32Array(words), capacity, count: 0 };
    this.#bytes += words * 4;
    filter.blooms.push(bloom);
    return bloom;
  }

  /** One walk over the key; the second hash is made of the first, all others are sums of the two. */
  #hash(key: Uint8Array): void {
    let hash = 0x811c9dc5;
    for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key[index]!, 0x01000193);
    this.#hashA = finished(hash);
    // Odd, so that the sums do not fall into a short cycle.
    this.#hashB = finished(hash ^ 0x9e3779b9) | 1;
  }
}

function finished(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
