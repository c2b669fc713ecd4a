/**
 * What waits to be written to one connection. Frames of one turn leave in one write at its end; on a WebSocket each stays
 * a message of its own. Clients of version 2 and below on TCP decode one frame per read, so they get one frame per write
 * and turn.
 *
 *   add ──► items ──(end of turn: OutboxFlush)──► socket ──► kernel
 *           queuedBytes                           bufferedBytes    both together ≤ bytesMax, else the reader is too slow
 *
 * While the socket holds more than HOLD_BYTES nothing is given to it: the items wait here, where each is counted with
 * what it costs, until `drained`. A RECV is sealed only when it is written, so a slow reader costs no sealing.
 */
import type { Socket } from "../world/world.ts";
import type { OutboxFlush } from "./outbox-flush.ts";
import type { OutboundItem } from "./recv-frames.ts";

/** What a queued frame costs beyond its bytes, so that a flood of tiny ones is bounded too. */
const FRAME_COST_BYTES = 64;
/** Not less than a socket's own high-water mark, so that above it `drained` is sure to come. */
const HOLD_BYTES = 64 * 1024;
/** A turn that produces more than this for one connection writes in between, so that the kernel takes its share early. */
const EARLY_WRITE_BYTES = 256 * 1024;
/** Written items that stay in the list of a client that gets one frame per write. */
const WRITTEN_MAX = 256;
/** Of a session without keys; nothing of it is sealed. */
const NO_SLOT = 0;

/** The same object for all connections. */
export interface OutboxLimits {
  readonly outboundBytesMax: number;
  /** Frames that wait because the socket takes none. */
  readonly outboundFramesMax: number;
}

export interface OutboxOwner {
  /** The bound is crossed: called at most once, and nothing is queued from then on. */
  outboxOverflowed(): void;
  /** What was taken is lost: the connection must not go on. */
  outboxFailed(error: unknown): void;
}

export class Outbox {
  /** Set when the protocol version is known. */
  oneFramePerWrite = false;
  /** The sealer's, set with the keys. */
  slot: number = NO_SLOT;
  /** All that was ever added. */
  framesAdded = 0;
  bytesAdded = 0;
  readonly #socket: Socket;
  readonly #flush: OutboxFlush;
  readonly #limits: OutboxLimits;
  readonly #owner: OutboxOwner;
  #items: OutboundItem[] = [];
  /** Items before this one are written already (one frame per write only). */
  #first = 0;
  #queuedBytes = 0;
  /** What the socket held after the last write: since then it can only have become less. */
  #socketBytes = 0;
  #isMarked = false;
  #isShut = false;

  constructor(socket: Socket, flush: OutboxFlush, limits: OutboxLimits, owner: OutboxOwner) {
    this.#socket = socket;
    this.#flush = flush;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** Bytes belong to the outbox from now on. After `shut` the item is dropped: false. */
  add(item: OutboundItem): boolean {
    if (this.#isShut) return false;
    const bytes = bytesOf(item);
    this.framesAdded++;
    this.bytesAdded += bytes;
    this.#items.push(item);
    this.#queuedBytes += bytes + FRAME_COST_BYTES;
    if (this.#waiting > this.#limits.outboundFramesMax && !this.oneFramePerWrite) this.#writeNow();
    if (this.#isOverfull()) {
      this.shut();
      this.#owner.outboxOverflowed();
    } else if (this.#queuedBytes > EARLY_WRITE_BYTES && !this.oneFramePerWrite) {
      this.#writeNow();
    } else {
      this.#mark();
    }
    return true;
  }

  /** In the queue and in the socket. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#socket.bufferedBytes;
  }

  /** At the end of a turn: what is to be written now; empty while the socket takes nothing. */
  take(): readonly OutboundItem[] {
    this.#isMarked = false;
    if (this.#waiting === 0) return [];
    this.#socketBytes = this.#socket.bufferedBytes;
    if (this.#socketBytes > HOLD_BYTES) return [];
    return this.oneFramePerWrite ? this.#takeOne() : this.#takeAll();
  }

  /**
   * The taken items as bytes, `from` … `to` of `bytes`, which others share. What a socket cannot pass on at once is kept
   * by it: then it gets bytes of its own, so that a slow reader does not hold the others' as well.
   */
  write(items: readonly OutboundItem[], bytes: Buffer, from: number, to: number): void {
    if (this.#isShut) return;
    const own = this.#socketBytes > 0 ? Buffer.from(bytes.subarray(from, to)) : bytes.subarray(from, to);
    this.#socket.write(this.#socket.keepsBoundaries ? cut(own, items) : [own]);
    this.#socketBytes = this.#socket.bufferedBytes;
  }

  /** What was taken could not be made into bytes. */
  fail(error: unknown): void {
    if (this.#isShut) return;
    this.shut();
    this.#owner.outboxFailed(error);
  }

  /** The socket has room again. */
  drained(): void {
    this.#socketBytes = this.#socket.bufferedBytes;
    if (this.#waiting > 0) this.#mark();
  }

  /** Writes all there is, room or not, and takes no more: the connection closes after it. */
  writeAllAndShut(): void {
    if (this.#isShut) return;
    const items = this.#first === 0 ? this.#items : this.#items.slice(this.#first);
    this.shut();
    if (items.length === 0) return;
    const frames = cut(this.#sealed(items), items);
    if (this.oneFramePerWrite) for (const frame of frames) this.#socket.write([frame]);
    else this.#socket.write(frames);
  }

  /** Forgets what is queued and takes no more. */
  shut(): void {
    this.#isShut = true;
    this.#items = [];
    this.#first = 0;
    this.#queuedBytes = 0;
  }

  #isOverfull(): boolean {
    const { outboundBytesMax, outboundFramesMax } = this.#limits;
    if (this.#waiting > outboundFramesMax) return true;
    if (this.#queuedBytes + this.#socketBytes <= outboundBytesMax) return false;
    this.#socketBytes = this.#socket.bufferedBytes;
    return this.#queuedBytes + this.#socketBytes > outboundBytesMax;
  }

  get #waiting(): number {
    return this.#items.length - this.#first;
  }

  #mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#flush.add(this);
  }

  /** In the middle of a turn, alone. */
  #writeNow(): void {
    this.#socketBytes = this.#socket.bufferedBytes;
    if (this.#waiting === 0 || this.#socketBytes > HOLD_BYTES) return;
    const items = this.#takeAll();
    const bytes = this.#sealed(items);
    this.write(items, bytes, 0, bytes.length);
  }

  #sealed(items: readonly OutboundItem[]): Buffer {
    let length = 0;
    for (const item of items) length += bytesOf(item);
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#flush.sealer.seal(items, new Array<number>(items.length).fill(this.slot), bytes);
    return bytes;
  }

  #takeAll(): readonly OutboundItem[] {
    const items = this.#items;
    this.#items = [];
    this.#queuedBytes = 0;
    return items;
  }

  #takeOne(): readonly OutboundItem[] {
    const item = this.#items[this.#first++];
    if (item === undefined) return [];
    this.#queuedBytes -= bytesOf(item) + FRAME_COST_BYTES;
    // A client that never quite catches up must not make the written ones stay.
    if (this.#first === this.#items.length || this.#first === WRITTEN_MAX) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    if (this.#waiting > 0) this.#mark();
    return [item];
  }
}

export function bytesOf(item: OutboundItem): number {
  return item instanceof Uint8Array ? item.length : item.frameBytes;
}

/** One buffer per item. */
function cut(bytes: Buffer, items: readonly OutboundItem[]): readonly Uint8Array[] {
  let at = 0;
  return items.map((item) => {
    const from = at;
    at += bytesOf(item);
    return bytes.subarray(from, at);
  });
}
