/** A stored group message with ids of usual length. */
import type { StoredMessage } from "../src/messaging/message.ts";

export const CHANNEL = { type: 2, id: "group-0123456789" };

export function messageOf(seq: number, payloadBytes: number): StoredMessage {
  return {
    id: { high: 0x1bc16d67, low: seq },
    seq,
    countedTotal: seq,
    timeSeconds: 1_767_225_600,
    channel: CHANNEL,
    log: "chat",
    fromUid: "user-1001",
    clientMsgNo: "0b9c7c1e-8a3f-4b5c-9d0e-1f2a3b4c5d6e",
    session: 0,
    flags: 2,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: Buffer.alloc(payloadBytes, "x"),
  };
}
