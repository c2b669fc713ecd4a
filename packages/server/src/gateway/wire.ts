/**
 * What a connection's client speaks: the binary protocol or JSON-RPC. The connection handles the same frames either way;
 * only here and in the two wires is it known how they look. Decided by the first byte and kept.
 *
 *   first byte that is no white space   {  → JsonWire        anything else → BinaryWire
 */
import type { Connack, Frame } from "@wukong-ts/protocol";
import type { SendRequest, SendResult } from "../messaging/send.ts";
import type { OutboundItem, RecvSource } from "./recv-frames.ts";

/** Something that is no frame; the answer is all there is to do about it. */
export interface BadMessage {
  readonly type: 0;
  readonly answer: Uint8Array;
}

export type SendackFor = Pick<SendRequest, "flags" | "clientSeq" | "clientMsgNo">;

export interface Wire {
  /** Goes out as WebSocket text; its sessions have no keys. */
  readonly isJson: boolean;
  /** The negotiated one, set when it is known. */
  version: number;
  readonly bufferedBytes: number;
  /** Of the frame taken last. */
  readonly frameBytes: number;
  /** The greatest message seq that this version can say. */
  readonly seqMax: number;
  push(chunk: Uint8Array): void;
  /** undefined: push more. Throws `ProtocolError` when the connection cannot go on. */
  next(): Frame | BadMessage | undefined;
  /** A refusal when its reason is not success; `text` says it in words. Like `pong`: for the frame taken last. */
  connack(frame: Connack, text: string): Uint8Array;
  pong(): Uint8Array;
  sendack(to: SendackFor, result: Pick<SendResult, "id" | "seq" | "reason" | "retryAfterMs">): Uint8Array;
  disconnect(reason: number, text: string): Uint8Array;
  /** undefined: this version cannot say it; the client finds the message by sync. */
  recv(source: RecvSource, receiver: { readonly uid: string }): OutboundItem | undefined;
  /** The frame taken last comes too early or not at all; undefined where nothing is said about that. */
  refusal(text: string): Uint8Array | undefined;
}
