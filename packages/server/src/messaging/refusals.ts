/** Refused sends: why, and who keeps them for later questions. */
import { Reason } from "@wukong-ts/protocol";
import type { MessageId } from "./message.ts";
import type { SendRequest } from "./send.ts";

/** What decided that a message was not taken; finer than the reason codes of the wire. */
export type RefusalRule =
  | "send_ban"
  | "channel_ban"
  | "disbanded"
  | "deny_list"
  | "not_member"
  | "receive_only"
  | "allow_list"
  | "bad_channel"
  | "payload_too_large"
  | "text_too_long"
  | "undecodable"
  | "number_reused"
  | "seqs_used_up"
  | "overloaded"
  | "rate_limit"
  | "store_failed";

/** Why a message is not taken: the reason as the wire tells it, and the rule that decided. */
export interface Refusal {
  readonly reason: number;
  readonly rule: RefusalRule;
}

export function refusal(reason: number, rule: RefusalRule): Refusal {
  return { reason, rule };
}

export const STORE_FAILED: Refusal = refusal(Reason.systemError, "store_failed");

export type RefusedSend = Pick<SendRequest, "fromUid" | "addressedTo" | "flags" | "clientMsgNo">;

export interface RefusalTrail {
  /** Called for each refused send, in floods too: it must be cheap and never throws. `id` is the one told in the answer. */
  refused(send: RefusedSend, id: MessageId, reason: number, rule: RefusalRule): void;
}
