/**
 * One shard as one follower sees it: how far it has come, and where the next messages come from. A follower that keeps
 * up takes them from memory, as they were announced; one that lags has nothing in memory and reads them from disk. The
 * way back: while a page is read, what is announced is collected; if nothing more was on the disk, the rest is in memory.
 */
import { compareIds } from "../messaging/ids.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import { bytesOf } from "./feed-page.ts";

/** What the follower is given at once. */
export interface Portion {
  readonly messages: readonly StoredMessage[];
  /** Ids in it, those of deleted messages too. */
  readonly count: number;
  readonly bytes: number;
  readonly last: MessageId;
}

export class FollowedShard {
  readonly shard: number;
  /** Handled up to here. */
  position: MessageId;
  /** The position on disk. */
  written: MessageId;
  source: "disk" | "memory" = "disk";
  /** The follower is at work on a portion, or the next one is being read. */
  isBusy = false;
  /** A replay waits for the present portion. */
  goBackTo: MessageId | undefined;
  /** Durable and not handled; too low while something is `uncounted`, and below 0 where what is counted was handled first. */
  lag = 0;
  /** Not handled, as far as is known. */
  oldest: MessageId | undefined;
  /** What is still to be counted for `lag`: the ids after the first one up to the last one. */
  uncounted: { readonly after: MessageId; readonly last: MessageId } | undefined;
  queuedCount = 0;
  queuedBytes = 0;
  #isCollecting = false;
  #queue: (readonly StoredMessage[])[] = [];
  /** Messages taken from the first batch of the queue. */
  #taken = 0;

  /** `position` is on disk. */
  constructor(shard: number, position: MessageId) {
    this.shard = shard;
    this.position = position;
    this.written = position;
  }

  get takesFromMemory(): boolean {
    return this.source === "memory" || this.#isCollecting;
  }

  queue(messages: readonly StoredMessage[], bytes: number): void {
    this.#queue.push(messages);
    this.queuedCount += messages.length;
    this.queuedBytes += bytes;
  }

  /** What waits in memory is forgotten: the disk has it. */
  toDisk(): void {
    this.source = "disk";
    this.#isCollecting = false;
    this.#clear();
  }

  /** Before a page is read from disk. */
  collect(): void {
    this.#isCollecting = true;
    this.#clear();
  }

  /** There was no more on the disk: what is durable by now was announced since, and collected unless it was too much. */
  collected(): void {
    if (this.#isCollecting) this.source = "memory";
    this.#isCollecting = false;
  }

  /** From memory; undefined: all of it has been handled. */
  take(messagesMax: number, bytesMax: number): Portion | undefined {
    const messages: StoredMessage[] = [];
    let bytes = 0;
    while (messages.length < messagesMax && bytes < bytesMax) {
      const message = this.#next();
      if (message === undefined) break;
      // Announced while it was read from disk.
      if (compareIds(message.id, this.position) <= 0) continue;
      messages.push(message);
      bytes += bytesOf(message);
    }
    const last = messages.at(-1);
    return last === undefined ? undefined : { messages, count: messages.length, bytes, last: last.id };
  }

  get firstQueued(): MessageId | undefined {
    return this.#queue[0]?.[this.#taken]?.id;
  }

  #next(): StoredMessage | undefined {
    const batch = this.#queue[0];
    const message = batch?.[this.#taken];
    if (batch === undefined || message === undefined) return undefined;
    this.#taken++;
    this.queuedCount--;
    this.queuedBytes -= bytesOf(message);
    if (this.#taken === batch.length) {
      this.#queue.shift();
      this.#taken = 0;
    }
    return message;
  }

  #clear(): void {
    this.#queue = [];
    this.#taken = 0;
    this.queuedCount = 0;
    this.queuedBytes = 0;
  }
}
