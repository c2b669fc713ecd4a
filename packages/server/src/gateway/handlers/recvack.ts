/**
 * RECVACK: the session has the message, it need not be sent again; a command counts as received by the user. One for a
 * message that was not kept means nothing. What the session did not wait for (any more) is looked up if it is a command.
 */
import { HeaderFlag, type Recvack } from "@wukong-ts/protocol";
import type { PendingAcks } from "../../delivery/pending-acks.ts";
import type { CommandReceipts } from "../../messaging/commands.ts";

export function handleRecvack(
  frame: Pick<Recvack, "flags" | "messageId" | "messageSeq">,
  session: { readonly id: number; readonly uid: string },
  acks: Pick<PendingAcks, "acked">,
  commands: CommandReceipts,
): void {
  if ((frame.flags & HeaderFlag.noPersist) !== 0) return;
  const position = acks.acked(session.id, frame.messageId, frame.messageSeq);
  if (position?.log === "command") commands.received(session.uid, position.channel, position.seq);
  else if (position === undefined && (frame.flags & HeaderFlag.syncOnce) !== 0)
    commands.receivedById(session.uid, frame.messageId);
}
