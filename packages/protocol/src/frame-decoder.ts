/**
 * Bytes to frames at any split. Owns the bytes of a frame that is not complete yet: at most the frame limit, because
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
import { LATEST_VERSION, PacketType } from "./packet-type.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Reader } from "./reader.ts";

/** The remaining length that v2.2.5 accepts at most. */
export const FRAME_BYTES_MAX_DEFAULT = 1_048_576;

const LENGTH_BYTES_MAX = 4;
const OWN_BYTES_MIN = 64;
const NOTHING = new Uint8Array(0);

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
  readonly #frameBytesMax: number;
  readonly #reader: Reader;
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  /** `#bytes` was allocated here, so it may be written to. */
  #owned = false;
  #failure: ProtocolError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    this.#frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX_DEFAULT;
    this.#reader = new Reader(options.allocate ?? allocateExact);
    this.version = options.version ?? LATEST_VERSION;
  }

  /** Bytes that are not part of a frame taken so far. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** The chunk must not change until `next` has answered undefined. */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined || chunk.length === 0) return;
    const buffered = this.#end - this.#start;
    if (buffered === 0) {
      // One kind of array below, whatever came in: a Node Buffer would make every access polymorphic.
      this.#bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.#owned = false;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (!this.#owned || this.#end + chunk.length > this.#bytes.length) this.#makeRoom(buffered + chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next complete frame; undefined: push more. After a `ProtocolError` every further call throws it again. */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const frame = this.#take();
      if (frame === undefined) this.#keepRest();
      return frame;
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#failure = error;
        this.#release();
      }
      throw error;
    }
  }

  #take(): Frame | undefined {
    const bytes = this.#bytes;
    const start = this.#start;
    const end = this.#end;
    if (start === end) return undefined;
    const first = bytes[start]!;
    const type = first >>> 4;
    if (type === 0 || type > PacketType.event) throw new ProtocolError("unknown_packet", `packet type ${type}`);
    if (type === PacketType.ping || type === PacketType.pong) {
      this.#start = start + 1;
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
    this.#start = at + length;
    this.#reader.reset(bytes, at, at + length);
    return readFrame(this.#reader, type, first & 0x0f, this.version);
  }

  /** What is left is part of a frame. Copy it once, so that a large chunk is not kept alive for its last bytes. */
  #keepRest(): void {
    if (this.#start === this.#end) this.#release();
    else if (!this.#owned) this.#makeRoom(this.#end - this.#start);
  }

  /** Moves what is buffered into memory of its own; doubling keeps a frame that comes byte by byte linear. */
  #makeRoom(bytesNeeded: number): void {
    const roomy = new Uint8Array(Math.max(OWN_BYTES_MIN, bytesNeeded, 2 * (this.#end - this.#start)));
    roomy.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = roomy;
    this.#end -= this.#start;
    this.#start = 0;
    this.#owned = true;
  }

  #release(): void {
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
    this.#owned = false;
    this.#reader.reset(NOTHING, 0, 0);
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
