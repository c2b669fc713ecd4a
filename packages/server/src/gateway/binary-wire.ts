/** The binary protocol (WKProto), as one connection speaks it. */
import {
  allocateFromPool,
  type Connack,
  encodeFrame,
  encodeSendack,
  type Frame,
  FrameDecoder,
  Reason,
} from "@wukong-ts/protocol";
import type { SendResult } from "../messaging/send.ts";
import { pong } from "./handlers/ping.ts";
import { type OutboundItem, type RecvSource, recvItem } from "./recv-frames.ts";
import type { SendackFor, Wire } from "./wire.ts";

/** Below this version a message seq has 32 bits on the wire. */
const WIDE_SEQ_FROM_VERSION = 6;
const NARROW_SEQ_MAX = 0xffff_ffff;

export class BinaryWire implements Wire {
  readonly isJson = false;
  /** Keys were agreed: set with the CONNACK. */
  isSealed = false;
  readonly #decoder: FrameDecoder;

  constructor(frameBytesMax: number) {
    // What it hands out lives for one turn, or until its message is pushed.
    this.#decoder = new FrameDecoder({ frameBytesMax, allocate: allocateFromPool });
  }

  get version(): number {
    return this.#decoder.version;
  }

  set version(version: number) {
    this.#decoder.version = version;
  }

  get seqMax(): number {
    return this.version >= WIDE_SEQ_FROM_VERSION ? Number.MAX_SAFE_INTEGER : NARROW_SEQ_MAX;
  }

  get bufferedBytes(): number {
    return this.#decoder.bufferedBytes;
  }

  get frameBytes(): number {
    return this.#decoder.frameBytes;
  }

  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
  }

  next(): Frame | undefined {
    return this.#decoder.next();
  }

  connack(frame: Connack): Uint8Array {
    return encodeFrame(frame, this.version);
  }

  pong(): Uint8Array {
    return pong();
  }

  /** The header flags of the SEND come back as they were. */
  sendack(to: SendackFor, result: Pick<SendResult, "id" | "seq" | "reason">): Uint8Array {
    // Stored from a session that can say it, and now sent again.
    const fits = result.seq <= this.seqMax;
    const seq = fits ? result.seq : 0;
    const reason = fits ? result.reason : Reason.messageSeqExhausted;
    return encodeSendack(to.flags, result.id, to.clientSeq, seq, reason, to.clientMsgNo, this.version);
  }

  disconnect(reason: number, text: string): Uint8Array {
    return encodeFrame({ type: 9, reason, text }, this.version);
  }

  recv(source: RecvSource, receiver: { readonly uid: string }): OutboundItem | undefined {
    if (source.message.seq > this.seqMax) return undefined;
    return recvItem(source, { uid: receiver.uid, version: this.version, isSealed: this.isSealed });
  }

  /** A closed connection says enough. */
  refusal(): undefined {
    return undefined;
  }
}
