/**
 * What waits to be written to one connection. Frames of one turn leave in one write at its end; on a WebSocket each stays
 * a message of its own. Clients of version 2 and below on TCP decode one frame per read, so they get one frame per write
 * and turn.
 *
 *   add ──► frames ──(end of turn)──► socket ──► kernel
 *           queuedBytes               bufferedBytes          both together ≤ bytesMax, else the reader is too slow
 *
 * While the socket holds more than HOLD_BYTES nothing is given to it: the frames wait here, where each is counted with
 * what it costs, until `drained`.
 */
import type { Socket } from "../world/world.ts";
import type { EndOfTurn, EndOfTurnTask } from "./end-of-turn.ts";

/** What a queued frame costs beyond its bytes, so that a flood of tiny ones is bounded too. */
const FRAME_COST_BYTES = 64;
/** Not less than a socket's own high-water mark, so that above it `drained` is sure to come. */
const HOLD_BYTES = 64 * 1024;
/** A turn that produces more than this for one connection writes in between, so that the kernel takes its share early. */
const EARLY_WRITE_BYTES = 256 * 1024;

export interface OutboxOptions {
  readonly bytesMax: number;
  /** Frames that wait because the socket takes none. */
  readonly framesMax: number;
  /** The bound is crossed: called at most once, and nothing is queued from then on. */
  overflowed(): void;
}

export class Outbox implements EndOfTurnTask {
  /** Set when the protocol version is known. */
  oneFramePerWrite = false;
  /** All that was ever added. */
  framesAdded = 0;
  bytesAdded = 0;
  readonly #socket: Socket;
  readonly #turns: EndOfTurn;
  readonly #options: OutboxOptions;
  #frames: Uint8Array[] = [];
  /** Frames before this one are written already (one frame per write only). */
  #first = 0;
  #queuedBytes = 0;
  /** What the socket held after the last write: since then it can only have become less. */
  #socketBytes = 0;
  #isMarked = false;
  #isShut = false;

  constructor(socket: Socket, turns: EndOfTurn, options: OutboxOptions) {
    this.#socket = socket;
    this.#turns = turns;
    this.#options = options;
  }

  /** The frame belongs to the outbox from now on. After `shut` it is dropped. */
  add(frame: Uint8Array): void {
    if (this.#isShut) return;
    this.framesAdded++;
    this.bytesAdded += frame.length;
    this.#frames.push(frame);
    this.#queuedBytes += frame.length + FRAME_COST_BYTES;
    if (this.#waiting > this.#options.framesMax && !this.oneFramePerWrite) this.#write();
    if (this.#isOverfull()) {
      this.shut();
      this.#options.overflowed();
    } else if (this.#queuedBytes > EARLY_WRITE_BYTES && !this.oneFramePerWrite) {
      this.#write();
    } else {
      this.#mark();
    }
  }

  /** In the queue and in the socket. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#socket.bufferedBytes;
  }

  endOfTurn(): void {
    this.#isMarked = false;
    this.#write();
  }

  /** The socket has room again. */
  drained(): void {
    this.#socketBytes = this.#socket.bufferedBytes;
    if (this.#frames.length > 0) this.#mark();
  }

  /** Writes all there is, room or not, and takes no more: the connection closes after it. */
  writeAllAndShut(): void {
    if (this.#isShut) return;
    const frames = this.#first === 0 ? this.#frames : this.#frames.slice(this.#first);
    this.shut();
    if (frames.length === 0) return;
    if (this.oneFramePerWrite) for (const frame of frames) this.#socket.write([frame]);
    else this.#socket.write(frames);
  }

  /** Forgets what is queued and takes no more. */
  shut(): void {
    this.#isShut = true;
    this.#frames = [];
    this.#first = 0;
    this.#queuedBytes = 0;
  }

  #isOverfull(): boolean {
    const { bytesMax, framesMax } = this.#options;
    if (this.#waiting > framesMax) return true;
    if (this.#queuedBytes + this.#socketBytes <= bytesMax) return false;
    this.#socketBytes = this.#socket.bufferedBytes;
    return this.#queuedBytes + this.#socketBytes > bytesMax;
  }

  get #waiting(): number {
    return this.#frames.length - this.#first;
  }

  #mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#turns.add(this);
  }

  #write(): void {
    if (this.#first === this.#frames.length) return;
    this.#socketBytes = this.#socket.bufferedBytes;
    if (this.#socketBytes > HOLD_BYTES) return;
    if (this.oneFramePerWrite) this.#writeOne();
    else {
      const frames = this.#frames;
      this.#frames = [];
      this.#queuedBytes = 0;
      this.#socket.write(frames);
    }
    this.#socketBytes = this.#socket.bufferedBytes;
  }

  #writeOne(): void {
    const frame = this.#frames[this.#first++];
    if (frame === undefined) return;
    this.#queuedBytes -= frame.length + FRAME_COST_BYTES;
    if (this.#first === this.#frames.length) {
      this.#frames = [];
      this.#first = 0;
    } else {
      this.#mark();
    }
    this.#socket.write([frame]);
  }
}
