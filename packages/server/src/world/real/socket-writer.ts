/**
 * The outgoing side of a kernel socket, the same for TCP and WebSocket: what is still here, and telling when nothing is.
 * Made when there is something for the first time: most connections are idle and never need it.
 *
 * Node's own "drain" comes only after the high-water mark was passed. Here an empty chunk is queued behind whatever the
 * kernel did not take at once; its callback is the news. In the usual case, where the kernel takes all, this costs nothing.
 */
import type { Socket as NetSocket } from "node:net";

const NOTHING = new Uint8Array(0);

export class SocketWriter {
  readonly #socket: NetSocket;
  readonly #owner: { drained(): void };
  #isAwaiting = false;

  constructor(socket: NetSocket, owner: { drained(): void }) {
    this.#socket = socket;
    this.#owner = owner;
  }

  /** After each write. */
  watch(): void {
    if (this.#isAwaiting || this.#socket.writableLength === 0) return;
    this.#isAwaiting = true;
    this.#socket.write(NOTHING, this.#onPassed);
  }

  readonly #onPassed = (error?: Error | null): void => {
    this.#isAwaiting = false;
    if (error != null || this.#socket.destroyed) return;
    if (this.#socket.writableLength > 0) this.watch();
    else this.#owner.drained();
  };
}
