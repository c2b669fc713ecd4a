/**
 * One direction's rows of a turn leave as one message at its end: a message between threads costs as much as hundreds of
 * rows in it. Each message tells how much of the other side's has been taken, so both know what is still on its way.
 *
 *   rows ──► packer ──(end of turn)──► message {taken, rows} ──► the other thread
 *
 * Beyond `bytesMax` on its way the port is full: rows are still taken, but whoever makes them should stop until `drained`.
 * Other messages are plain objects, and keep their place among the rows.
 */
import type { Thread, Timers } from "../../world/world.ts";
import { PackReader, type PackWriter } from "./pack.ts";

export interface BatchPortDeps {
  readonly timers: Pick<Timers, "soon">;
  readonly post: Thread["post"];
  /** Emptied at the end of each turn. */
  readonly pack: PackWriter;
  readonly bytesMax: number;
  /** The rows of one turn of the other side. */
  readonly rows: (pack: PackReader) => void;
  /** What was sent with `post`. */
  readonly message: (message: unknown) => void;
  /** The pack was handed over: rows from now on are the next turn's. */
  readonly flushed?: () => void;
  /** It was full, and has room again. */
  readonly drained: () => void;
}

/** Of `bytesMax`: so much taken is told even if there is nothing else to tell. */
const TELL_EVERY = 8;

export class BatchPort {
  readonly #deps: BatchPortDeps;
  readonly #flushLater = (): void => this.flush();
  #isMarked = false;
  #isClosed = false;
  #wasFull = false;
  #sentBytes = 0;
  /** Of what was sent, as the other side told last. */
  #takenBytes = 0;
  #receivedBytes = 0;
  #toldBytes = 0;

  constructor(deps: BatchPortDeps) {
    this.#deps = deps;
    this.#begin();
  }

  /** More is on its way than should be. */
  get isFull(): boolean {
    const isFull = this.pendingBytes >= this.#deps.bytesMax;
    if (isFull) this.#wasFull = true;
    return isFull;
  }

  /** Of rows that the other side has not taken. */
  get pendingBytes(): number {
    return this.#sentBytes - this.#takenBytes + this.#deps.pack.length;
  }

  /** There is a row: it leaves at the end of this turn. */
  mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#deps.timers.soon(this.#flushLater);
  }

  /** Now, and behind all rows before it. */
  post(message: object): void {
    if (this.#isMarked) this.flush();
    if (!this.#isClosed) this.#deps.post(message);
  }

  flush(): void {
    if (!this.#isMarked) return;
    this.#isMarked = false;
    const packed = this.#deps.pack.take();
    this.#deps.flushed?.();
    if (!this.#isClosed) {
      new DataView(packed).setFloat64(0, this.#receivedBytes);
      this.#toldBytes = this.#receivedBytes;
      this.#sentBytes += packed.byteLength;
      this.#deps.post(packed, [packed]);
    }
    this.#begin();
  }

  /** From the other side. */
  received(message: unknown): void {
    if (this.#isClosed) return;
    if (!(message instanceof ArrayBuffer)) {
      this.#deps.message(message);
      return;
    }
    const pack = new PackReader(message);
    this.#takenBytes = pack.number();
    this.#receivedBytes += message.byteLength;
    this.#deps.rows(pack);
    if ((this.#receivedBytes - this.#toldBytes) * TELL_EVERY >= this.#deps.bytesMax) this.mark();
    if (this.#wasFull && this.pendingBytes * 2 <= this.#deps.bytesMax) {
      this.#wasFull = false;
      this.#deps.drained();
    }
  }

  /** The other side is gone: nothing is sent or received any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** The first number of every pack is filled in when it leaves. */
  #begin(): void {
    this.#deps.pack.number(0);
  }
}
