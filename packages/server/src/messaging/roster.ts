/**
 * One list of a loaded channel (members, deny, allow) in both views: what has been decided, which permission reads, and
 * what is durable, which fan-out reads.
 */
const DECIDED = 1;
const DURABLE = 2;
const BITS = DECIDED | DURABLE;
/** Above the bits: the number of the entry, which grows with each name that is put on the list. */
const ENTRY = 4;

export class Roster {
  /** Made only when somebody is on the list: most channels are persons and have none. */
  #states: Map<string, number> | undefined;
  #decidedCount = 0;
  #entries = 0;

  /** Names read from disk. */
  load(uids: Iterable<string>): void {
    for (const uid of uids) {
      this.#set(uid, 0, DECIDED | DURABLE);
      this.#decidedCount++;
    }
  }

  get decidedCount(): number {
    return this.#decidedCount;
  }
  get durableSize(): number {
    return this.#states?.size ?? 0;
  }
  hasDecided(uid: string): boolean {
    return ((this.#states?.get(uid) ?? 0) & DECIDED) !== 0;
  }
  hasDurable(uid: string): boolean {
    return ((this.#states?.get(uid) ?? 0) & DURABLE) !== 0;
  }

  decideAdd(uid: string): void {
    const state = this.#states?.get(uid) ?? 0;
    if ((state & DECIDED) !== 0) return;
    this.#set(uid, state, (state & BITS) | DECIDED);
    this.#decidedCount++;
  }
  decideRemove(uid: string): void {
    const state = this.#states?.get(uid) ?? 0;
    if ((state & DECIDED) === 0) return;
    this.#set(uid, state, state & BITS & ~DECIDED);
    this.#decidedCount--;
  }
  settleAdd(uid: string): void {
    const state = this.#states?.get(uid) ?? 0;
    this.#set(uid, state, (state & BITS) | DURABLE);
  }
  settleRemove(uid: string): void {
    const state = this.#states?.get(uid) ?? 0;
    this.#set(uid, state, state & BITS & ~DURABLE);
  }

  *decided(): Iterable<string> {
    for (const [uid, state] of this.#states ?? []) if ((state & DECIDED) !== 0) yield uid;
  }
  /**
   * Live: who is removed while it is walked is not visited any more. Who is put on the list meanwhile is not visited
   * either: else one who is taken off and put back would be visited twice, and get again what he had.
   */
  *durable(): Iterable<string> {
    const lastEntry = this.#entries;
    for (const [uid, state] of this.#states ?? []) {
      // The map keeps them in the order they came.
      if (state >= (lastEntry + 1) * ENTRY) return;
      if ((state & DURABLE) !== 0) yield uid;
    }
  }

  /** `state`: as it is, 0 for none. */
  #set(uid: string, state: number, bits: number): void {
    if (bits === 0) this.#states?.delete(uid);
    else this.#map().set(uid, (state === 0 ? ++this.#entries * ENTRY : state - (state & BITS)) + bits);
  }
  #map(): Map<string, number> {
    this.#states ??= new Map();
    return this.#states;
  }
}
