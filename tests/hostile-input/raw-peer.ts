/** A connection without manners: it writes any bytes and keeps the frames that come back. */
import { type Frame, FrameDecoder, LATEST_VERSION } from "@wukong-ts/protocol";
import { openSocket, type Transport, type WireSocket } from "../harness/wire-socket.ts";

const FRAME_BYTES_MAX = 1 << 26;

export class RawPeer implements Disposable {
  readonly frames: Frame[] = [];
  isClosed = false;
  /** What came was of another version than the latest: a peer that says anything may have agreed to anything. */
  isUnreadable = false;
  #socket: WireSocket | undefined;
  readonly #decoder = new FrameDecoder({ frameBytesMax: FRAME_BYTES_MAX, version: LATEST_VERSION });
  #changed: () => void = () => undefined;

  static async open(port: number, transport: Transport = "tcp"): Promise<RawPeer> {
    const peer = new RawPeer();
    peer.#socket = await openSocket(transport, port, {
      bytes: (chunk) => peer.#read(chunk),
      closed: () => {
        peer.isClosed = true;
        peer.#changed();
      },
    });
    return peer;
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.#socket?.write(bytes);
  }

  /** The first frame of a type, or "closed"; "silent" when neither comes. One waiter at a time. */
  async answer<Type extends Frame["type"]>(
    type: Type,
    withinMs = 15_000,
  ): Promise<Extract<Frame, { type: Type }> | "closed" | "silent"> {
    let answer: Frame | undefined;
    const look = (): boolean => {
      answer = this.frames.find((frame) => frame.type === type);
      return answer !== undefined || this.isClosed;
    };
    await this.#until(look, withinMs);
    if (answer !== undefined) return answer as Extract<Frame, { type: Type }>; // It was found by its type.
    return this.isClosed ? "closed" : "silent";
  }

  closed(withinMs = 15_000): Promise<boolean> {
    return this.#until(() => this.isClosed, withinMs);
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#socket?.end();
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy();
  }

  #read(chunk: Uint8Array): void {
    if (this.isUnreadable) return;
    try {
      this.#decoder.push(chunk);
      for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) this.frames.push(frame);
    } catch {
      this.isUnreadable = true;
    }
    this.#changed();
  }

  #until(fact: () => boolean, withinMs: number): Promise<boolean> {
    if (fact()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (isTrue: boolean): void => {
        clearTimeout(timer);
        this.#changed = () => undefined;
        resolve(isTrue);
      };
      const timer = setTimeout(() => finish(false), withinMs);
      this.#changed = () => {
        if (fact()) finish(true);
      };
    });
  }
}
