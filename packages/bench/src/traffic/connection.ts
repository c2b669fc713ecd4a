/**
 * One logged-in user of a traffic run. It reads SENDACKs and RECVs in place, answers in one write a turn, and tells the
 * traffic what came. The user's one stream numbers its messages with clientSeq.
 */
import { encodeFrame, FrameDecoder, PacketType, Reason, type SessionCipher } from "@wukong-ts/protocol";
import type { Transport } from "../scenario/scenario.ts";
import type { HostPort } from "../server/target.ts";
import { FrameScanner } from "./frame-scanner.ts";
import { CLIENT_KEY, cipherFor } from "./key-agreement.ts";
import type { Seat } from "./layout.ts";
import { type Line, openLine } from "./line.ts";
import { MESSAGE_NUMBER_CHARS, readCounter, readStream } from "./message-number.ts";
import type { Outgoing } from "./outgoing.ts";

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly address: HostPort;
  readonly localAddress: string | undefined;
  readonly version: number;
  readonly token: string;
  readonly recvacks: boolean;
  readonly run: string;
}

export interface ConnectionEvents {
  /** SENDACK of the stream's n-th message. */
  acknowledged(connection: Connection, n: number, reason: number, nowMs: number): void;
  /** RECV of message `n` of `stream`; `bytes` hold the body from `start` to `end`. */
  received(
    connection: Connection,
    stream: number,
    n: number,
    messageSeq: number,
    nowMs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** RECV of a message that is not of this run. */
  foreign(): void;
  /** The server closed the line of a user who had logged in. */
  lost(connection: Connection): void;
}

const ECHOED_FLAGS = 7;
const LOGIN_MS_MAX = 30_000;

export class Connection {
  readonly seat: Seat;
  readonly options: ConnectionOptions;
  /** Where its accounts in the ledger begin. */
  account = -1;
  /** The last messageSeq that came. */
  lastSeq = 0;
  isOpen = false;
  readonly #events: ConnectionEvents;
  readonly #outgoing: Outgoing;
  readonly #scanner: FrameScanner;
  readonly #seqBytes: number;
  readonly #clientMsgNoSkip: number;
  #line: Line | undefined;
  #nowMs = 0;
  #serverKey = "";
  #salt = "";
  #cipher: SessionCipher | undefined;
  #finishLogin: ((error: Error | undefined) => void) | undefined;
  #closing = false;

  constructor(seat: Seat, options: ConnectionOptions, outgoing: Outgoing, events: ConnectionEvents) {
    this.seat = seat;
    this.options = options;
    this.#events = events;
    this.#outgoing = outgoing;
    this.#scanner = new FrameScanner(this);
    this.#seqBytes = options.version >= 6 ? 8 : 4;
    this.#clientMsgNoSkip = options.version >= 3 ? 5 : 1;
  }

  /** Opens the line, sends CONNECT and waits for a good CONNACK. */
  login(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#loginEnded(new Error(`${this.seat.uid}: CONNECT was not answered within ${LOGIN_MS_MAX} ms`)),
        LOGIN_MS_MAX,
      );
      this.#finishLogin = (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else {
          this.close();
          reject(error);
        }
      };
      openLine(this.options.transport, this.options.address, this.options.localAddress, {
        opened: (line) => {
          this.#line = line;
          this.send(
            encodeFrame(
              {
                type: PacketType.connect,
                version: this.options.version,
                deviceFlag: 0,
                deviceId: this.seat.uid,
                uid: this.seat.uid,
                token: this.options.token,
                clientTimestamp: BigInt(Date.now()),
                clientKey: CLIENT_KEY,
              },
              this.options.version,
            ),
          );
          this.flush();
        },
        bytes: (bytes, start, end) => this.#onBytes(bytes, start, end),
        closed: () => this.#onClosed(),
      });
    });
  }

  /** The same user, not logged in. */
  copy(): Connection {
    return new Connection(this.seat, this.options, this.#outgoing, this.#events);
  }

  /** Whether the server agreed on keys. */
  get isEncrypted(): boolean {
    return this.#serverKey !== "";
  }

  /** Made on first use: most receivers never need it. */
  get cipher(): SessionCipher | undefined {
    if (this.#cipher === undefined && this.#serverKey !== "") this.#cipher = cipherFor(this.#serverKey, this.#salt);
    return this.#cipher;
  }

  /** Bytes that the system has not taken. */
  get queuedBytes(): number {
    return this.#line?.queuedBytes ?? 0;
  }

  /** Where to write a frame of `length` bytes into the shared outgoing bytes. Goes out with `flush`. */
  reserve(length: number): number {
    return this.#outgoing.reserve(length, this.#line!.isWebSocket);
  }

  /** What `reserve` points into; another array after each `reserve`. */
  get outgoingBytes(): Uint8Array {
    return this.#outgoing.bytes;
  }

  send(frame: Uint8Array): void {
    const at = this.reserve(frame.length);
    this.#outgoing.bytes.set(frame, at);
  }

  flush(): void {
    if (!this.#outgoing.isEmpty) this.#line!.write(this.#outgoing.take());
  }

  stopReading(): void {
    this.#line?.pause();
  }

  resumeReading(): void {
    this.#line?.resume();
  }

  close(): void {
    this.#closing = true;
    this.isOpen = false;
    this.#line?.destroy();
  }

  frame(type: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === PacketType.recv) this.#onRecv(flags, bytes, start, end);
    else if (type === PacketType.sendack) {
      const clientSeq = readU32(bytes, start + 8);
      const reason = bytes[start + 12 + this.#seqBytes]!;
      this.#events.acknowledged(this, clientSeq, reason, this.#nowMs);
    } else if (type === PacketType.connack) this.#onConnack(flags, bytes, start, end);
    else if (type === PacketType.disconnect) this.#line?.destroy();
  }

  #onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#nowMs = performance.now();
    this.#scanner.push(bytes, start, end);
    this.flush();
  }

  #onRecv(flags: number, bytes: Uint8Array, start: number, end: number): void {
    // Past setting, msgKey, fromUid, channelId, channelType and expire.
    let at = start + 1;
    for (let text = 0; text < 3; text++) at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
    at += this.#clientMsgNoSkip;
    const length = (bytes[at]! << 8) | bytes[at + 1]!;
    const numberAt = at + 2;
    const idAt = numberAt + length;
    if (this.options.recvacks) this.#acknowledge(flags, bytes, idAt);
    const stream = length === MESSAGE_NUMBER_CHARS ? readStream(bytes, numberAt) : -1;
    const { streamBase, streamCount } = this.seat;
    if (stream < streamBase || stream >= streamBase + streamCount || !startsWith(bytes, numberAt, this.options.run)) {
      this.#events.foreign();
      return;
    }
    const seqAt = idAt + 8;
    const seq =
      this.#seqBytes === 4 ? readU32(bytes, seqAt) : readU32(bytes, seqAt) * 2 ** 32 + readU32(bytes, seqAt + 4);
    this.#events.received(this, stream, readCounter(bytes, numberAt), seq, this.#nowMs, bytes, start, end);
  }

  /** messageId and messageSeq stand in RECVACK as they do in RECV. */
  #acknowledge(flags: number, bytes: Uint8Array, idAt: number): void {
    const length = 8 + this.#seqBytes;
    const at = this.reserve(2 + length);
    const out = this.#outgoing.bytes;
    out[at] = (PacketType.recvack << 4) | (flags & ECHOED_FLAGS);
    out[at + 1] = length;
    for (let index = 0; index < length; index++) out[at + 2 + index] = bytes[idAt + index]!;
  }

  #onConnack(flags: number, bytes: Uint8Array, start: number, end: number): void {
    const decoder = new FrameDecoder({ version: this.options.version });
    const length = end - start;
    const head = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >>> 7];
    decoder.push(
      Buffer.concat([Buffer.from([(PacketType.connack << 4) | flags, ...head]), bytes.subarray(start, end)]),
    );
    const frame = decoder.next();
    if (frame?.type !== PacketType.connack) return;
    if (frame.reason !== Reason.success) {
      this.#loginEnded(new Error(`${this.seat.uid}: CONNECT was refused with reason ${frame.reason}`));
      return;
    }
    if ((frame.serverVersion ?? this.options.version) !== this.options.version) {
      const spoken = `version ${frame.serverVersion}, not ${this.options.version}`;
      this.#loginEnded(new Error(`the server speaks ${spoken}`));
      return;
    }
    this.#serverKey = frame.serverKey;
    this.#salt = frame.salt;
    this.isOpen = true;
    this.#loginEnded(undefined);
  }

  #onClosed(): void {
    this.isOpen = false;
    if (this.#finishLogin !== undefined) {
      this.#loginEnded(new Error(`${this.seat.uid}: the line was closed before CONNACK`));
    } else if (!this.#closing) this.#events.lost(this);
  }

  #loginEnded(error: Error | undefined): void {
    const finish = this.#finishLogin;
    this.#finishLogin = undefined;
    finish?.(error);
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}
