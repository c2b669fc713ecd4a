/** The road of a send: gather, decide, commit. Plain data in, plain data out, so that it can cross threads. */
import type { ChannelKey, MessageId } from "./message.ts";

export interface SendRequest {
  readonly origin: "client" | "server";
  /** 0 for the server. */
  readonly session: number;
  readonly fromUid: string;
  /** As the sender wrote it: a person channel's id is the peer's uid. */
  readonly addressedTo: ChannelKey;
  /** The wire's counter, echoed in SENDACK; 0 for the server. */
  readonly clientSeq: number;
  readonly clientMsgNo: string;
  /** `MessageFlag` bits. */
  readonly flags: number;
  readonly setting: number;
  readonly expireSeconds: number;
  readonly topic: string;
  /** Decrypted, owned by the request. */
  readonly payload: Uint8Array;
  /** The greatest seq that the sender's protocol can be told; a message that would get a greater one is refused. */
  readonly seqMax?: number;
  /** The receivers of this one message in place of the channel's members; only with NoPersist, only from the server. */
  readonly receivers?: readonly string[];
}

export interface SendResult {
  /** A `Reason` of the protocol package: 1 is success. */
  readonly reason: number;
  readonly id: MessageId;
  /** 0 when refused or not persisted. */
  readonly seq: number;
  /** The message was stored before: this is the first one's id and seq. */
  readonly repeated: boolean;
  /** Refused by a rate limit: after so long it may pass. A reason 22 without it is overload. */
  readonly retryAfterMs?: number;
}

export interface SendSink {
  /** Every request exactly once. */
  answered(request: SendRequest, result: SendResult): void;
}

export interface Sending {
  /** One session's batches are decided in order. Never throws; refusals may be answered before it returns. */
  send(requests: readonly SendRequest[], sink: SendSink): void;
}
