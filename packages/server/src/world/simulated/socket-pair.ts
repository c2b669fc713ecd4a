/**
 * Two ends of one connection. Bytes of a stream arrive late, in other pieces than they were sent; messages of a WebSocket
 * arrive late and whole. What the kernel would hold back counts as buffered. A connection can be cut in the middle, and
 * each end learns of it in its own time.
 */
import type { Socket, SocketEvents } from "../world.ts";
import type { EventLoop, Owner } from "./event-loop.ts";
import type { SeededRandom } from "./seeded-random.ts";

interface ConnectionConditions {
  readonly delayMs: number;
  /** What is under way beyond this is `bufferedBytes` of its sender. */
  readonly kernelBytes: number;
  /** Of each delivery: the connection breaks there. */
  readonly cutChance: number;
}

export interface EndSurroundings {
  readonly loop: EventLoop;
  readonly random: SeededRandom;
  readonly conditions: ConnectionConditions;
  /** Never dies: the network. */
  readonly network: Owner;
}

const FLUSH_MS_MAX = 2_000;
const CUT_NOTICE_MS = 500;

export class SocketEnd implements Socket {
  readonly remote: Socket["remote"];
  readonly keepsBoundaries: boolean;
  isText = false;
  readonly #owner: Owner;
  readonly #around: EndSurroundings;
  #peer: SocketEnd | undefined;
  #events: SocketEvents | undefined;
  /** Written here, not yet taken by the peer. Not copied before: a buffer that its writer changes arrives changed. */
  #outgoing: Uint8Array[] = [];
  #outgoingBytes = 0;
  #isDelivering = false;
  #hasWaited = false;
  #isPaused = false;
  #isClosing = false;
  #hasSentEnd = false;
  #hasSeenEnd = false;
  #isClosed = false;

  constructor(remote: Socket["remote"], keepsBoundaries: boolean, owner: Owner, around: EndSurroundings) {
    this.remote = remote;
    this.keepsBoundaries = keepsBoundaries;
    this.#owner = owner;
    this.#around = around;
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : Math.max(0, this.#outgoingBytes - this.#around.conditions.kernelBytes);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The other end is there: what was written meanwhile sets out. */
  join(peer: SocketEnd): void {
    this.#peer = peer;
    peer.#peer = this;
    this.#deliverLater();
    peer.#deliverLater();
  }

  bind(events: SocketEvents): void {
    this.#events = events;
    if (this.#peer !== undefined) this.#peer.#deliverLater();
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.#isClosing || this.#isClosed || !this.#owner.isAlive) return;
    for (const buffer of buffers) {
      if (buffer.length === 0 && !this.keepsBoundaries) continue;
      this.#outgoing.push(buffer);
      this.#outgoingBytes += buffer.length;
    }
    if (this.bufferedBytes > 0) this.#hasWaited = true;
    this.#deliverLater();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#peer !== undefined) this.#peer.#deliverLater();
  }

  close(how: "after-flush" | "now"): void {
    if (this.#isClosed || !this.#owner.isAlive) return;
    if (how === "now") {
      this.vanish();
      return;
    }
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.resume();
    this.#deliverLater();
    this.#later(FLUSH_MS_MAX, "socket flush limit", () => this.vanish());
  }

  /** This end is gone at once. Some of its last bytes may still reach the peer, which then sees the end of it. */
  vanish(): void {
    if (this.#isClosed) return;
    const peer = this.#peer;
    const last = this.#outgoing.slice(0, this.#around.random.below(this.#outgoing.length + 1));
    this.#end();
    this.#later(this.#delay(), "socket reset", () => {
      if (peer === undefined || peer.#isClosed) return;
      if (!peer.#isPaused) for (const chunk of last) peer.#receive(chunk.slice());
      peer.#end();
    });
  }

  /** The network breaks in the middle: nothing more arrives, and each end learns of it in its own time. */
  cut(): void {
    for (const end of [this, this.#peer]) {
      if (end === undefined) continue;
      end.#outgoing = [];
      end.#outgoingBytes = 0;
      end.#peer = undefined;
      end.#later(this.#around.random.delayMs(CUT_NOTICE_MS), "socket cut", () => end.#end());
    }
  }

  #deliverLater(): void {
    if (this.#isDelivering || this.#peer === undefined || !this.#hasSomethingToDeliver()) return;
    this.#isDelivering = true;
    this.#later(this.#delay(), "socket delivery", () => {
      this.#isDelivering = false;
      this.#deliver();
    });
  }

  #hasSomethingToDeliver(): boolean {
    return this.#outgoing.length > 0 || (this.#isClosing && !this.#hasSentEnd);
  }

  #deliver(): void {
    const peer = this.#peer;
    const { random, conditions } = this.#around;
    if (peer === undefined || this.#isClosed || peer.#isClosed || peer.#isPaused || peer.#events === undefined) return;
    if (random.chance(conditions.cutChance)) {
      this.cut();
      return;
    }
    if (this.#outgoing.length > 0) peer.#receive(this.#take());
    else if (this.#isClosing && !this.#hasSentEnd) {
      this.#hasSentEnd = true;
      peer.#seeEnd();
    }
    if (this.#hasWaited && this.bufferedBytes === 0) {
      this.#hasWaited = false;
      this.#later(0, "socket drained", () => this.#tell((events) => events.drained()));
    }
    this.#deliverLater();
  }

  /** One message, or any part of what the stream holds. */
  #take(): Uint8Array {
    if (this.keepsBoundaries) {
      const message = this.#outgoing.shift() ?? new Uint8Array(0);
      this.#outgoingBytes -= message.length;
      return message.slice();
    }
    const all = new Uint8Array(Buffer.concat(this.#outgoing, this.#outgoingBytes));
    const { random } = this.#around;
    const count = random.chance(0.6) ? all.length : 1 + random.below(all.length);
    // The rest stays one piece; it has been copied, so it is the network's own from here on.
    this.#outgoing = count < all.length ? [all.slice(count)] : [];
    this.#outgoingBytes -= count;
    return all.slice(0, count);
  }

  #receive(chunk: Uint8Array): void {
    if (!this.#isClosing && !this.#isClosed) this.#tell((events) => events.bytes(chunk));
  }

  #seeEnd(): void {
    this.#hasSeenEnd = true;
    // The peer sends no more: what is left for it is flushed, as if the owner had closed.
    if (!this.#isClosing && this.#owner.isAlive) this.close("after-flush");
    this.#endIfOver();
    if (this.#peer !== undefined) this.#peer.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#hasSentEnd && this.#hasSeenEnd) this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#later(0, "socket closed", () => {
      if (this.#owner.isAlive) this.#events?.closed();
    });
  }

  #tell(say: (events: SocketEvents) => void): void {
    if (this.#events !== undefined && this.#owner.isAlive && !this.#isClosed) say(this.#events);
  }

  #later(delayMs: number, kind: string, run: () => void): void {
    this.#around.loop.after(delayMs, kind, this.#around.network, run);
  }

  #delay(): number {
    return this.#around.random.delayMs(this.#around.conditions.delayMs);
  }
}
