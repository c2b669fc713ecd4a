/** RECVACK: the session has the message, it need not be sent again. One for a message that was not kept means nothing. */
import { HeaderFlag, type Recvack } from "@wukong-ts/protocol";
import type { PendingAcks } from "../../delivery/pending-acks.ts";

export function handleRecvack(frame: Recvack, sessionId: number, acks: Pick<PendingAcks, "acked">): void {
  if ((frame.flags & HeaderFlag.noPersist) !== 0) return;
  acks.acked(sessionId, frame.messageId, frame.messageSeq);
}
