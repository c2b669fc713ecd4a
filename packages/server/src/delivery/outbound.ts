/** What delivery asks of the gateway. Batches of plain data; encoding, encryption and byte limits are behind it. */
import type { StoredMessage } from "../messaging/message.ts";

/** What a RECV shows of a message. */
export type PushedMessage = Pick<
  StoredMessage,
  | "id"
  | "seq"
  | "timeSeconds"
  | "channel"
  | "fromUid"
  | "clientMsgNo"
  | "flags"
  | "setting"
  | "expireSeconds"
  | "topic"
  | "payload"
>;

export interface Outbound {
  /** One RECV to each of these sessions; unknown ids are skipped. Order per session is the order of the calls. */
  recv(message: PushedMessage, to: readonly number[]): void;
  /** A DISCONNECT frame (none when `reason` is null), then the socket is really closed after `closeAfterMs`. */
  disconnect(to: readonly number[], reason: number | null, text: string, closeAfterMs: number): void;
}
