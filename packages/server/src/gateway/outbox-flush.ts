/**
 * The end of a turn for all outboxes that have something to write: their RECVs are sealed together, because four that are
 * sealed in step cost little more than one, and each connection gets its part of the bytes.
 */
import type { Sealer } from "@wukong-ts/sealing";
import type { EndOfTurn, EndOfTurnTask } from "./end-of-turn.ts";
import { bytesOf, type Outbox } from "./outbox.ts";
import type { OutboundItem } from "./recv-frames.ts";

/** Sealed together: enough to fill the sealer's lanes, and little for one slow reader to hold on to. */
const TOGETHER_BYTES = 64 * 1024;

interface Taken {
  readonly outbox: Outbox;
  readonly items: readonly OutboundItem[];
  readonly bytes: number;
}

export class OutboxFlush implements EndOfTurnTask {
  readonly sealer: Sealer;
  readonly #turns: EndOfTurn;
  #marked: Outbox[] = [];

  constructor(turns: EndOfTurn, sealer: Sealer) {
    this.#turns = turns;
    this.sealer = sealer;
  }

  /** The outbox marks itself once; it is asked at the end of the turn. */
  add(outbox: Outbox): void {
    if (this.#marked.push(outbox) === 1) this.#turns.add(this);
  }

  endOfTurn(): void {
    const marked = this.#marked;
    this.#marked = [];
    let together: Taken[] = [];
    let bytes = 0;
    for (const outbox of marked) {
      const items = outbox.take();
      if (items.length === 0) continue;
      let ownBytes = 0;
      for (const item of items) ownBytes += bytesOf(item);
      together.push({ outbox, items, bytes: ownBytes });
      bytes += ownBytes;
      if (bytes < TOGETHER_BYTES) continue;
      this.#write(together, bytes);
      together = [];
      bytes = 0;
    }
    if (together.length > 0) this.#write(together, bytes);
  }

  #write(together: readonly Taken[], bytes: number): void {
    const items: OutboundItem[] = [];
    const slots: number[] = [];
    for (const { outbox, items: own } of together)
      for (const item of own) {
        items.push(item);
        slots.push(outbox.slot);
      }
    const sealed = Buffer.allocUnsafeSlow(bytes);
    try {
      this.sealer.seal(items, slots, sealed);
    } catch (error) {
      for (const { outbox } of together) outbox.fail(error);
      return;
    }
    let at = 0;
    for (const { outbox, items: own, bytes: ownBytes } of together) {
      try {
        outbox.write(own, sealed, at, at + ownBytes);
      } catch (error) {
        outbox.fail(error);
      }
      at += ownBytes;
    }
  }
}
