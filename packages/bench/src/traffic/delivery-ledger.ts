/**
 * Whether every acknowledged message arrived once and in order. Each receiving connection has an account per stream it
 * may receive: the last number that came. What is jumped over is kept as a hole until it comes late or never.
 */
export interface DeliveryVerdict {
  /** Arrived for the first time. */
  readonly received: number;
  /** Acknowledged and never arrived. */
  readonly missing: number;
  /** Arrived again. */
  readonly duplicates: number;
  /** Arrived behind a later one of its channel. */
  readonly disorder: number;
  /** Arrived although their SEND was refused or never answered; no fault by itself. */
  readonly unacknowledged: number;
}

/** What the senders know of a stream when it has ended. */
export interface StreamEnd {
  readonly stream: number;
  /** The number of the last SEND. */
  readonly sent: number;
  /** Numbers that were not acknowledged with success. */
  readonly notAcknowledged: readonly number[];
}

const NO_STREAM = 0xffff_ffff;

export class DeliveryLedger {
  /** Per account: the highest number that came. */
  #last = new Uint32Array(1_024);
  #streams = new Uint32Array(1_024);
  #accounts = 0;
  readonly #holes = new Map<number, Set<number>>();
  received = 0;
  duplicates = 0;
  disorder = 0;

  /** Opens accounts for the streams from `streamBase` on, numbered from the result on; one's `own` stream does not come. */
  open(streamBase: number, streamCount: number, own: number = NO_STREAM): number {
    const first = this.#accounts;
    this.#accounts += streamCount;
    while (this.#accounts > this.#last.length) {
      this.#last = doubled(this.#last);
      this.#streams = doubled(this.#streams);
    }
    for (let index = 0; index < streamCount; index++) {
      this.#streams[first + index] = streamBase + index === own ? NO_STREAM : streamBase + index;
    }
    return first;
  }

  /** Message `n` (from 1 on) came on this account. true: for the first time. */
  receive(account: number, n: number): boolean {
    const last = this.#last[account]!;
    if (n === last + 1) {
      this.#last[account] = n;
      this.received++;
      return true;
    }
    if (n > last) {
      const holes = this.#holes.get(account) ?? new Set();
      this.#holes.set(account, holes);
      for (let hole = last + 1; hole < n; hole++) holes.add(hole);
      this.#last[account] = n;
      this.received++;
      return true;
    }
    if (this.#holes.get(account)?.delete(n) === true) {
      this.received++;
      this.disorder++;
      return true;
    }
    this.duplicates++;
    return false;
  }

  /** `ends` of all streams of the run. */
  verdict(ends: ReadonlyMap<number, StreamEnd>): DeliveryVerdict {
    let missing = 0;
    let unacknowledged = 0;
    for (let account = 0; account < this.#accounts; account++) {
      const stream = this.#streams[account]!;
      const end = ends.get(stream);
      if (end === undefined) continue;
      const refused = new Set(end.notAcknowledged);
      const holes = this.#holes.get(account);
      const last = this.#last[account]!;
      for (const hole of holes ?? []) if (!refused.has(hole)) missing++;
      for (let n = last + 1; n <= end.sent; n++) if (!refused.has(n)) missing++;
      for (const n of refused) if (n <= last && holes?.has(n) !== true) unacknowledged++;
    }
    return {
      received: this.received,
      missing,
      duplicates: this.duplicates,
      disorder: this.disorder,
      unacknowledged,
    };
  }
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}
