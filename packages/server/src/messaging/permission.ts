/** Who may send where: one pure function over what gather has loaded. The order of the rules is the order of the reasons. */
import { Reason } from "@wukong-ts/protocol";
import type { Channel } from "./channel.ts";
import { peerOf } from "./channel-kinds.ts";
import type { LogName } from "./message.ts";

export interface PermissionQuestion {
  readonly origin: "client" | "server";
  readonly fromUid: string;
  readonly channel: Channel;
  readonly log: LogName;
  /** The own person record of a sender that is a client: its `sendBan`. */
  readonly senderRecord: Channel | undefined;
  /** Person channels: the receiver's own record, whose lists decide. */
  readonly receiverRecord: Channel | undefined;
  readonly isSystem: (uid: string) => boolean;
  /** `whitelistOffOfPerson`: allow lists of persons are ignored. */
  readonly personAllowListOff: boolean;
}

export function verdict(question: PermissionQuestion): number {
  const { channel, fromUid } = question;
  if (question.senderRecord?.row.sendBan) return Reason.sendBan;
  if (question.log === "chat" && channel.kind.checksBan) {
    if (channel.row.ban) return Reason.ban;
    if (channel.row.disband) return Reason.disband;
  }
  if (question.origin === "server" || question.isSystem(fromUid)) return Reason.success;
  const { maySend } = channel.kind;
  switch (maySend) {
    case "anyone":
      return Reason.success;
    case "peer-rules":
      return personVerdict(question);
    case "parties-or-members":
    case "owner-or-members":
      return channel.kind.implied(channel.key.id).includes(fromUid) ? Reason.success : memberVerdict(channel, fromUid);
    case "members":
      return memberVerdict(channel, fromUid);
  }
}

function personVerdict(question: PermissionQuestion): number {
  const receiver = peerOf(question.channel.key.id, question.fromUid);
  if (receiver === undefined || question.receiverRecord === undefined) return Reason.channelIdError;
  if (question.isSystem(receiver)) return Reason.success;
  if (question.receiverRecord.deny.hasDecided(question.fromUid)) return Reason.inBlacklist;
  if (question.personAllowListOff) return Reason.success;
  return question.receiverRecord.allow.hasDecided(question.fromUid) ? Reason.success : Reason.notInWhitelist;
}

function memberVerdict(channel: Channel, uid: string): number {
  if (channel.deny.hasDecided(uid)) return Reason.inBlacklist;
  if (!channel.members.hasDecided(uid) || channel.row.receiveOnly) return Reason.subscriberNotExist;
  if (channel.allow.decidedCount > 0 && !channel.allow.hasDecided(uid)) return Reason.notInWhitelist;
  return Reason.success;
}
