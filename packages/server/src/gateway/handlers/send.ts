/** SEND → SendRequest. Decides nothing about the message. */
import type { Send } from "@wukong-ts/protocol";
import type { Session } from "../../delivery/session.ts";
import type { SendRequest } from "../../messaging/send.ts";

/** `payload` is plain and the request's own. */
export function sendRequestFrom(send: Send, session: Session, payload: Uint8Array, seqMax: number): SendRequest {
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
