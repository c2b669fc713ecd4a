/** TCP listeners and sockets, plain or under TLS: bytes in as they come, one system call per write. */
import type { Socket as NetSocket } from "node:net";
import type { ListenAt, Listener, Socket, SocketEvents, Timer, Timers } from "../world.ts";
import { openFrontDoor } from "./front-door.ts";
import { SocketWriter } from "./socket-writer.ts";

/** How long a socket that was closed after a flush may take for it. */
export const FLUSH_MS_MAX = 2_000;

/** Up to here copying many buffers into one is cheaper than handing all of them to the kernel. */
const JOINED_BYTES_MAX = 64 * 1024;

export function listenTcp(at: ListenAt, accept: (socket: Socket) => void, timers: Timers): Promise<Listener> {
  return openFrontDoor(at, timers, (stream, remote) => accept(new TcpSocket(stream, remote, timers)));
}

/** Where the listeners, the same for all sockets, find whose event it is: closures for each would add up. */
const OWNER: unique symbol = Symbol("owner");

interface OwnedSocket extends NetSocket {
  [OWNER]?: TcpSocket;
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this[OWNER]?.received(chunk);
}

/** The peer will send no more: what is left for it is flushed, as if the owner had closed. */
function onEnd(this: OwnedSocket): void {
  this[OWNER]?.close("after-flush");
}

function onClose(this: OwnedSocket): void {
  this[OWNER]?.gone();
}

class TcpSocket implements Socket {
  readonly remote: Socket["remote"];
  readonly keepsBoundaries = false;
  isText = false;
  readonly #socket: OwnedSocket;
  readonly #timers: Timers;
  #events: SocketEvents | undefined;
  #writer: SocketWriter | undefined;
  #isClosing = false;
  #flushTimer: Timer | undefined;

  constructor(socket: NetSocket, remote: Socket["remote"], timers: Timers) {
    this.#socket = socket;
    this.remote = remote;
    this.#timers = timers;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  bind(events: SocketEvents): void {
    this.#events = events;
    this.#socket[OWNER] = this;
    this.#socket.on("data", onData);
    this.#socket.on("end", onEnd);
    this.#socket.on("close", onClose);
  }

  received(chunk: Buffer): void {
    if (!this.#isClosing) this.#events?.bytes(chunk);
  }

  gone(): void {
    this.#isClosing = true;
    this.#flushTimer?.cancel();
    this.#events?.closed();
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.#isClosing) return;
    const [first] = buffers;
    if (first === undefined) return;
    if (buffers.length === 1) this.#socket.write(first);
    else this.#writeMany(buffers);
    if (this.#socket.writableLength === 0 || this.#events === undefined) return;
    this.#writer ??= new SocketWriter(this.#socket, this.#events);
    this.#writer.watch();
  }

  #writeMany(buffers: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    if (bytes <= JOINED_BYTES_MAX) {
      const joined = Buffer.allocUnsafeSlow(bytes);
      let offset = 0;
      for (const buffer of buffers) {
        joined.set(buffer, offset);
        offset += buffer.length;
      }
      this.#socket.write(joined);
      return;
    }
    this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    this.#socket.uncork();
  }

  pause(): void {
    if (!this.#isClosing) this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(how: "after-flush" | "now"): void {
    if (how === "now") {
      this.#isClosing = true;
      this.#socket.destroy();
      return;
    }
    if (this.#isClosing) return;
    this.#isClosing = true;
    // Read on and forget, to see the peer's end: closing with unread bytes would reset the connection under our last ones.
    this.#socket.resume();
    this.#socket.end();
    this.#flushTimer = this.#timers.after(FLUSH_MS_MAX, () => this.#socket.destroy());
  }
}
