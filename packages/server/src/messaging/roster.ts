/**
 * One list of a loaded channel (members, deny, allow) in both views: what has been decided, which permission reads, and
 * what is durable, which fan-out reads.
 */
const DECIDED = 1;
const DURABLE = 2;

export class Roster {
  /** Made only when somebody is on the list: most channels are persons and have none. */
  #states: Map<string, number> | undefined;
  #decidedCount = 0;

  /** Names read from disk. */
  load(uids: Iterable<string>): void {
    for (const uid of uids) {
      this.#map().set(uid, DECIDED | DURABLE);
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

  decideAdd(uid: string): void {
    const state = this.#states?.get(uid) ?? 0;
    if ((state & DECIDED) !== 0) return;
    this.#map().set(uid, state | DECIDED);
    this.#decidedCount++;
  }
  decideRemove(uid: string): void {
    const state = this.#states?.get(uid) ?? 0;
    if ((state & DECIDED) === 0) return;
    this.#set(uid, state & ~DECIDED);
    this.#decidedCount--;
  }
  settleAdd(uid: string): void {
    this.#map().set(uid, (this.#states?.get(uid) ?? 0) | DURABLE);
  }
  settleRemove(uid: string): void {
    this.#set(uid, (this.#states?.get(uid) ?? 0) & ~DURABLE);
  }

  *decided(): Iterable<string> {
    for (const [uid, state] of this.#states ?? []) if ((state & DECIDED) !== 0) yield uid;
  }
  /** Live: who is removed while it is walked is not visited any more. */
  *durable(): Iterable<string> {
    for (const [uid, state] of this.#states ?? []) if ((state & DURABLE) !== 0) yield uid;
  }

  #set(uid: string, state: number): void {
    if (state === 0) this.#states?.delete(uid);
    else this.#map().set(uid, state);
  }
  #map(): Map<string, number> {
    this.#states ??= new Map();
    return this.#states;
  }
}
