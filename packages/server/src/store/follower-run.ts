/**
 * One follower at work: gives it the messages of all shards side by side, each shard's in order, and remembers durably how
 * far each has come. What it holds in memory is bounded; beyond that a shard is read from disk again (`followed-shard.ts`).
 */
import { compareIds, idBefore, idTimeMs, lastIdBeforeMs } from "../messaging/ids.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import type { Timer, World } from "../world/world.ts";
import { StoreUnavailable } from "./commit-failure.ts";
import { bytesOf, readFeedPage } from "./feed-page.ts";
import { FollowedShard, type Portion } from "./followed-shard.ts";
import { FollowerCursors } from "./follower-cursors.ts";
import { LagCount } from "./lag-count.ts";
import { Pauses } from "./pauses.ts";
import type { Store } from "./store.ts";

/** Something that is done with every durable message, at least once, across restarts: a webhook, a search index. */
export interface Follower {
  /** Its cursors are kept under it: never rename it. */
  readonly name: string;
  /** At most so many messages at a time. */
  readonly messagesMax: number;
  /** How long few messages may wait for more. 0: not at all. */
  readonly lingerMs: number;
  /** Of messages that are held in memory for it. Beyond, it reads from disk what it has not handled. */
  readonly bytesMax: number;
  /**
   * One shard's messages in the order of their ids, so in the order of each channel; never twice at once for one shard.
   * The cursor moves when it resolves. When it rejects it is called again with the same messages, after growing pauses;
   * they also come again after a crash.
   */
  handle(shard: number, messages: readonly StoredMessage[]): Promise<void>;
}

export type ReplayFrom = { readonly timeMs: number } | { readonly id: MessageId };

export interface Following {
  readonly name: string;
  /** Durable and not handled yet. A lower bound while `isCounting`: soon after the start or a replay. */
  readonly lagMessages: number;
  readonly isCounting: boolean;
  /** Wall time of the oldest message that is not handled; undefined: there is none. */
  readonly oldestMs: number | undefined;
  /** The message of this shard has been handled. */
  isPast(shard: number, id: MessageId): boolean;
  /**
   * Sets the cursors back, so that every message from this wall time (ms) or with this id on is handled again; a cursor
   * that has not come so far stays. Resolves when that is durable, rejects with `StoreUnavailable` when it is not.
   */
  replay(from: ReplayFrom): Promise<void>;
  /** Waits for what is being handled, and writes the cursors. */
  stop(): Promise<void>;
}

export interface FollowerRunDeps extends Pick<World, "clock" | "timers" | "random"> {
  readonly store: Store;
  /** The last durable message of a shard. */
  endOf(shard: number): MessageId;
  stopped(): void;
  failed(error: unknown): void;
}

/** A portion of one shard ends at about so many bytes. */
const PORTION_BYTES_MAX = 256 * 1024;
const READS_AT_ONCE = 4;
const PAUSE_FIRST_MS = 100;
const PAUSE_LONGEST_MS = 30_000;
/** Until the store can be read again. */
const UNREADABLE_PAUSE_MS = 1000;

export class FollowerRun implements Following {
  readonly #deps: FollowerRunDeps;
  readonly #follower: Follower;
  readonly #shards: readonly FollowedShard[];
  readonly #pauses: Pauses;
  readonly #cursors: FollowerCursors;
  readonly #lagCount: LagCount;
  /** Of portions and of what is queued. */
  #heldBytes = 0;
  #reads = 0;
  #busy = 0;
  /** The shard that may go first in the next round. */
  #turn = 0;
  #isRoundPlanned = false;
  /** What has waited for more waits no longer. */
  #isDue = false;
  #linger: Timer | undefined;
  #isStopped = false;
  #idle: (() => void) | undefined;

  constructor(deps: FollowerRunDeps, follower: Follower, positions: readonly MessageId[]) {
    this.#deps = deps;
    this.#follower = follower;
    this.#shards = positions.map((position, shard) => new FollowedShard(shard, position));
    this.#pauses = new Pauses(deps.timers);
    this.#cursors = new FollowerCursors(follower.name, deps.store, deps.timers, this.#shards);
    this.#lagCount = new LagCount({ ...deps, pauses: this.#pauses }, this.#shards);
  }

  get name(): string {
    return this.#follower.name;
  }

  get lagMessages(): number {
    let lag = 0;
    for (const shard of this.#shards) lag += Math.max(0, shard.lag);
    return lag;
  }

  get isCounting(): boolean {
    return this.#shards.some((shard) => shard.uncounted !== undefined);
  }

  get oldestMs(): number | undefined {
    let oldest: MessageId | undefined;
    for (const shard of this.#shards)
      if (shard.oldest !== undefined && (oldest === undefined || compareIds(shard.oldest, oldest) < 0))
        oldest = shard.oldest;
    return oldest === undefined ? undefined : idTimeMs(oldest);
  }

  isPast(shard: number, id: MessageId): boolean {
    const followed = this.#shards[shard];
    return followed !== undefined && compareIds(id, followed.goBackTo ?? followed.position) <= 0;
  }

  start(): void {
    for (const shard of this.#shards) {
      if (compareIds(shard.position, this.#deps.endOf(shard.shard)) >= 0) shard.source = "memory";
      else this.#lagCount.begin(shard);
    }
    this.#planRound();
  }

  /** On the road of every send: a few steps per batch, nothing per message. */
  announced(number: number, messages: readonly StoredMessage[], bytes: number): void {
    const shard = this.#shards[number];
    if (shard === undefined || this.#isStopped) return;
    shard.lag += messages.length;
    shard.oldest ??= messages[0]?.id;
    if (!shard.takesFromMemory) return;
    if (this.#heldBytes + bytes > this.#follower.bytesMax) {
      this.#forgetQueue(shard);
      if (!shard.isBusy) this.#planRound();
      return;
    }
    shard.queue(messages, bytes);
    this.#heldBytes += bytes;
    if (shard.isBusy) return;
    if (shard.queuedCount >= this.#follower.messagesMax) this.#planRound();
    else if (this.#follower.lingerMs === 0) this.#lingered();
    else this.#linger ??= this.#deps.timers.after(this.#follower.lingerMs, this.#lingered);
  }

  reset(): void {
    for (const shard of this.#shards) this.#forgetQueue(shard);
    this.#planRound();
  }

  async replay(from: ReplayFrom): Promise<void> {
    const target = "id" in from ? idBefore(from.id) : lastIdBeforeMs(from.timeMs);
    const back = this.#shards.filter((shard) => compareIds(target, shard.goBackTo ?? shard.position) < 0);
    for (const shard of back) {
      shard.goBackTo = target;
      if (!shard.isBusy) this.#goBack(shard);
    }
    await this.#cursors.setBack(back, target);
    this.#planRound();
  }

  async stop(): Promise<void> {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#deps.stopped();
      this.#linger?.cancel();
      this.#lagCount.stop();
      this.#pauses.stop();
      if (this.#busy > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    }
    await this.#cursors.stop();
  }

  readonly #lingered = (): void => {
    this.#linger = undefined;
    this.#isDue = true;
    this.#planRound();
  };

  #planRound(): void {
    if (this.#isRoundPlanned || this.#isStopped) return;
    this.#isRoundPlanned = true;
    this.#deps.timers.soon(this.#round);
  }

  /** Sets every shard to work that has something to do and may. */
  readonly #round = (): void => {
    this.#isRoundPlanned = false;
    if (this.#isStopped) return;
    const isDue = this.#isDue;
    this.#isDue = false;
    for (let index = 0; index < this.#shards.length; index++) {
      const shard = this.#shards[(this.#turn + index) % this.#shards.length]!;
      if (shard.isBusy) continue;
      if (shard.source === "disk") {
        if (this.#reads < READS_AT_ONCE && this.#heldBytes < this.#follower.bytesMax) this.#begin(shard);
      } else if (shard.queuedCount >= this.#follower.messagesMax || (isDue && shard.queuedCount > 0))
        this.#begin(shard);
    }
    this.#turn = (this.#turn + 1) % this.#shards.length;
  };

  #begin(shard: FollowedShard): void {
    shard.isBusy = true;
    this.#busy++;
    void this.#work(shard).then(() => {
      shard.isBusy = false;
      this.#busy--;
      if (shard.goBackTo !== undefined) this.#goBack(shard);
      if (shard.queuedCount > 0 && shard.queuedCount < this.#follower.messagesMax)
        this.#linger ??= this.#deps.timers.after(this.#follower.lingerMs, this.#lingered);
      if (this.#isStopped && this.#busy === 0) this.#idle?.();
      else this.#planRound();
    });
  }

  /** One portion. Never rejects. */
  async #work(shard: FollowedShard): Promise<void> {
    const portion = shard.source === "disk" ? await this.#read(shard) : this.#take(shard);
    if (portion !== undefined) {
      const isHandled = portion.messages.length === 0 || (await this.#handle(shard, portion.messages));
      this.#heldBytes -= portion.bytes;
      if (!isHandled) return;
      shard.position = portion.last;
      shard.lag -= portion.count;
      shard.oldest = portion.last;
      this.#cursors.moved();
    }
    if (shard.source === "memory") this.#caughtUp(shard);
  }

  #take(shard: FollowedShard): Portion | undefined {
    const queuedBefore = shard.queuedBytes;
    const portion = shard.take(this.#follower.messagesMax, PORTION_BYTES_MAX);
    this.#heldBytes += (portion?.bytes ?? 0) + shard.queuedBytes - queuedBefore;
    return portion;
  }

  /** undefined: there is nothing more, or not now. */
  async #read(shard: FollowedShard): Promise<Portion | undefined> {
    this.#heldBytes -= shard.queuedBytes;
    shard.collect();
    const bounds = { messagesMax: this.#follower.messagesMax, bytesMax: PORTION_BYTES_MAX };
    this.#reads++;
    try {
      const { messages, count, span } = await readFeedPage(this.#deps.store, shard.shard, shard.position, bounds);
      if (span === undefined) {
        shard.collected();
        return undefined;
      }
      this.#forgetQueue(shard);
      shard.oldest = span.first;
      let bytes = 0;
      for (const message of messages) bytes += bytesOf(message);
      this.#heldBytes += bytes;
      return { messages, count, bytes, last: span.last };
    } catch (error) {
      this.#forgetQueue(shard);
      if (!(error instanceof StoreUnavailable)) this.#deps.failed(error);
      await this.#pauses.pause(UNREADABLE_PAUSE_MS);
      return undefined;
    } finally {
      this.#reads--;
      this.#planRound();
    }
  }

  /** false: not handled, and it shall not be tried again now. */
  async #handle(shard: FollowedShard, messages: readonly StoredMessage[]): Promise<boolean> {
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_LONGEST_MS)) {
      try {
        await this.#follower.handle(shard.shard, messages);
        return true;
      } catch (error) {
        if (this.#isStopped || shard.goBackTo !== undefined) return false;
        this.#deps.failed(error);
        await this.#pauses.pause(pauseMs / 2 + (this.#deps.random.uint32() % (pauseMs / 2)));
        if (this.#isStopped) return false;
      }
    }
  }

  /** What is durable and not handled waits in memory. */
  #caughtUp(shard: FollowedShard): void {
    shard.uncounted = undefined;
    shard.lag = shard.queuedCount;
    shard.oldest = shard.firstQueued;
  }

  #goBack(shard: FollowedShard): void {
    if (shard.goBackTo === undefined) return;
    shard.position = shard.goBackTo;
    shard.goBackTo = undefined;
    this.#forgetQueue(shard);
    this.#lagCount.begin(shard);
  }

  #forgetQueue(shard: FollowedShard): void {
    this.#heldBytes -= shard.queuedBytes;
    shard.toDisk();
  }
}
