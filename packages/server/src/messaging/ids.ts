/**
 * Message ids: WuKongIM's snowflake, 41 bits of milliseconds since 2010-11-04, 10 bits of node, 12 bits of step. They grow
 * strictly, whatever the clock does: the next one is the greater of the clock and the last one plus one. Ids whose low
 * word is 0xFFFFFF00 or more are left out: the JavaScript SDK answers those with another id.
 */
import type { Clock } from "../world/world.ts";
import { type MessageId, NO_ID } from "./message.ts";

export const ID_EPOCH_MS = 1_288_834_974_657;
const STEPS = 4096;
/** 41 bits. */
const MS_MAX = 2 ** 41 - 1;
const LOW_WORDS_LEFT_OUT = 0xffffff00;

export class IdGenerator {
  readonly #clock: Clock;
  readonly #nodeId: number;
  #ms = 0;
  #step = -1;

  constructor(clock: Clock, nodeId: number) {
    this.#clock = clock;
    this.#nodeId = nodeId;
  }

  /** Later ids are greater than this one. */
  continueAfter(id: MessageId): void {
    const ms = idMs(id);
    const step = id.low % STEPS;
    if (ms < this.#ms || (ms === this.#ms && step <= this.#step)) return;
    this.#ms = ms;
    // Another node number may stand in the id: the whole millisecond is left to it.
    this.#step = STEPS - 1;
  }

  next(): MessageId {
    const nowMs = this.#clock.wallMs() - ID_EPOCH_MS;
    if (nowMs > this.#ms) {
      this.#ms = nowMs;
      this.#step = 0;
    } else if (++this.#step >= STEPS) {
      this.#ms++;
      this.#step = 0;
    }
    const id = compose(this.#ms, this.#nodeId, this.#step);
    if (id.low < LOW_WORDS_LEFT_OUT) return id;
    this.#ms++;
    this.#step = 0;
    return compose(this.#ms, this.#nodeId, 0);
  }
}

function compose(ms: number, nodeId: number, step: number): MessageId {
  return { high: Math.floor(ms / 1024), low: (((ms % 1024) << 22) | (nodeId << 12) | step) >>> 0 };
}

/** Milliseconds since the id epoch. */
function idMs(id: MessageId): number {
  return id.high * 1024 + (id.low >>> 22);
}

/** Wall time, to the millisecond, at which the id was given out. */
export function idTimeMs(id: MessageId): number {
  return idMs(id) + ID_EPOCH_MS;
}

/** The greatest id that is below all that are given out from this wall time on. */
export function lastIdBeforeMs(timeMs: number): MessageId {
  const ms = Math.min(Math.max(0, Math.floor(timeMs) - ID_EPOCH_MS), MS_MAX);
  return idBefore(compose(ms, 0, 0));
}

/** The number before it. */
export function idBefore({ high, low }: MessageId): MessageId {
  if (low > 0) return { high, low: low - 1 };
  return high > 0 ? { high: high - 1, low: 0xffffffff } : NO_ID;
}

export function compareIds(a: MessageId, b: MessageId): number {
  return a.high - b.high || a.low - b.low;
}

const NS_PER_STEP = 244;

/** Nanoseconds since 1970, growing with the id: the chat list's `version`. 4,096 steps fit 244 ns apart into a millisecond. */
export function idNanoseconds(id: MessageId): bigint {
  if (id.high === 0 && id.low === 0) return 0n;
  return BigInt(idMs(id) + ID_EPOCH_MS) * 1_000_000n + BigInt((id.low % STEPS) * NS_PER_STEP);
}

/** A `version` in two numbers, to compare many ids with. */
export interface Version {
  /** Since 1970. */
  readonly ms: number;
  /** Nanoseconds within the millisecond. */
  readonly restNs: number;
}

export function versionOfNanoseconds(nanoseconds: bigint): Version {
  const ms = nanoseconds / 1_000_000n;
  return { ms: Number(ms), restNs: Number(nanoseconds - ms * 1_000_000n) };
}

/** `idNanoseconds(id)` is greater. */
export function isAfterVersion(id: MessageId, version: Version): boolean {
  if (id.high === 0 && id.low === 0) return version.ms < 0 || (version.ms === 0 && version.restNs < 0);
  const ms = idMs(id) + ID_EPOCH_MS;
  return ms > version.ms || (ms === version.ms && (id.low % STEPS) * NS_PER_STEP > version.restNs);
}
