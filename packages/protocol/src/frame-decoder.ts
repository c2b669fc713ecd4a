/**
 * Bytes to frames at any split. Holds the bytes of a frame that is not complete yet: at most the frame limit, because
 * an announced length beyond it fails at the header. Frames handed out share no memory with the input or each other.
 */
import { type Allocate, allocateExact } from "./allocate.ts";
import type { Frame } from "./frame.ts";
import { readConnack } from "./frames/connack.ts";
import { readConnect } from "./frames/connect.ts";
import { readDisconnect } from "./frames/disconnect.ts";
import { readEvent } from "./frames/event.ts";
import { readRecv } from "./frames/recv.ts";
import { readRecvack } from "./frames/recvack.ts";
import { readSend } from "./frames/send.ts";
import { readSendack } from "./frames/sendack.ts";
import { readSub } from "./frames/sub.ts";
import { readSuback } from "./frames/suback.ts";
import { IncomingBytes } from "./incoming-bytes.ts";
import { LATEST_VERSION, PacketType } from "./packet-type.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Reader } from "./reader.ts";

/** The remaining length that v2.2.5 accepts at most. */
export const FRAME_BYTES_MAX_DEFAULT = 1_048_576;

const LENGTH_BYTES_MAX = 4;

/** For all decoders: a frame is read in one step, and what each would keep of its last one adds up. */
const reader = new Reader();

export interface FrameDecoderOptions {
  /** Largest remaining length; one byte more is an error as soon as the header is there. */
  readonly frameBytesMax?: number;
  /** Default: `LATEST_VERSION`. */
  readonly version?: number;
  /** For payloads. Default: memory of their own. */
  readonly allocate?: Allocate;
}

export class FrameDecoder {
  /** Of the connection. CONNECT reads the same in all; set it after CONNECT, between two calls of `next`. */
  version: number;
  /** Of the frame that `next` gave last, its header included. */
  frameBytes = 0;
  readonly #frameBytesMax: number;
  readonly #allocate: Allocate;
  readonly #incoming = new IncomingBytes();
  #failure: ProtocolError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    this.#frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX_DEFAULT;
    this.#allocate = options.allocate ?? allocateExact;
    this.version = options.version ?? LATEST_VERSION;
  }

  /** Bytes that are not part of a frame taken so far. */
  get bufferedBytes(): number {
    return this.#incoming.length;
  }

  /** The chunk must not change until `next` has answered undefined. */
  push(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#incoming.push(chunk);
  }

  /** The next complete frame; undefined: push more. After a `ProtocolError` every further call throws it again. */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const frame = this.#take();
      if (frame === undefined) this.#settle();
      return frame;
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#failure = error;
        this.#incoming.clear();
      }
      throw error;
    }
  }

  #settle(): void {
    this.#incoming.settle();
    reader.clear();
  }

  #take(): Frame | undefined {
    const incoming = this.#incoming;
    const { bytes, start, end } = incoming;
    if (start === end) return undefined;
    const first = bytes[start]!;
    const type = first >>> 4;
    if (type === 0 || type > PacketType.event) throw new ProtocolError("unknown_packet", `packet type ${type}`);
    if (type === PacketType.ping || type === PacketType.pong) {
      incoming.start = start + 1;
      this.frameBytes = 1;
      return type === PacketType.ping ? { type } : { type };
    }
    let at = start + 1;
    let length = 0;
    for (let count = 0; ; count++) {
      if (count === LENGTH_BYTES_MAX) throw new ProtocolError("malformed_length", "more than four length bytes");
      if (at === end) return undefined;
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) break;
    }
    if (length > this.#frameBytesMax) throw new ProtocolError("frame_too_large", `a body of ${length} bytes`);
    if (end - at < length) return undefined;
    incoming.start = at + length;
    this.frameBytes = incoming.start - start;
    reader.reset(bytes, at, at + length, this.#allocate);
    return readFrame(reader, type, first & 0x0f, this.version);
  }
}

function readFrame(reader: Reader, type: number, flags: number, version: number): Frame {
  switch (type) {
    case PacketType.connect:
      return readConnect(reader);
    case PacketType.connack:
      return readConnack(reader, flags, version);
    case PacketType.send:
      return readSend(reader, flags, version);
    case PacketType.sendack:
      return readSendack(reader, flags, version);
    case PacketType.recv:
      return readRecv(reader, flags, version);
    case PacketType.recvack:
      return readRecvack(reader, flags, version);
    case PacketType.disconnect:
      return readDisconnect(reader);
    case PacketType.sub:
      return readSub(reader);
    case PacketType.suback:
      return readSuback(reader);
    case PacketType.event:
      return readEvent(reader);
    default:
      throw new ProtocolError("unknown_packet", `packet type ${type}`);
  }
}
