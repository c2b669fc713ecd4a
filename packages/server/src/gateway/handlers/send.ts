/** SEND → SendRequest. Decides nothing about the message. */
import { allocateFromPool, openSend, type Send, type SessionCipher } from "@wukong-ts/protocol";
import type { Session } from "../../delivery/session.ts";
import type { SendRequest } from "../../messaging/send.ts";

/** undefined: the msgKey is wrong or the payload cannot be decrypted (reason 9). Without a cipher the payload is plain. */
export function sendRequestFrom(
  send: Send,
  session: Session,
  cipher: SessionCipher | undefined,
  seqMax: number,
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
    seqMax,
  };
}
