/** SEND → SendRequest and SendResult → SENDACK. Decides nothing about the message. */
import { allocateFromPool, encodeSendack, openSend, type Send, type SessionCipher } from "@wukong-ts/protocol";
import type { Session } from "../../delivery/session.ts";
import type { SendRequest, SendResult } from "../../messaging/send.ts";

/** undefined: the msgKey is wrong or the payload cannot be decrypted (reason 9). Without a cipher the payload is plain. */
export function sendRequestFrom(
  send: Send,
  session: Session,
  cipher: SessionCipher | undefined,
): SendRequest | undefined {
  const payload = cipher === undefined ? send.payload : openSend(send, cipher, allocateFromPool);
  if (payload === undefined) return undefined;
  return {
    origin: "client",
    session: session.id,
    fromUid: session.uid,
    addressedTo: { type: send.channelType, id: send.channelId },
    clientSeq: send.clientSeq,
    clientMsgNo: send.clientMsgNo,
    flags: send.flags,
    setting: send.setting,
    expireSeconds: send.expire,
    topic: send.topic,
    payload,
  };
}

/** The header flags of the SEND come back as they were. */
export function sendackFor(
  to: Pick<SendRequest, "flags" | "clientSeq" | "clientMsgNo">,
  result: Pick<SendResult, "id" | "seq" | "reason">,
  version: number,
): Uint8Array {
  return encodeSendack(to.flags, result.id, to.clientSeq, result.seq, result.reason, to.clientMsgNo, version);
}
