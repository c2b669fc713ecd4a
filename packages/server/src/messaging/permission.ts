/** Who may send where: one pure function over what gather has loaded. The order of the rules is the order of the reasons. */
import { Reason } from "@wukong-ts/protocol";
import type { Channel } from "./channel.ts";
import { peerOf } from "./channel-kinds.ts";
import type { LogName } from "./message.ts";
import type { Refusal } from "./refusals.ts";

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

/** undefined: he may. */
type Refused = Refusal | undefined;

const SEND_BAN: Refused = { reason: Reason.sendBan, rule: "send_ban" };
const CHANNEL_BAN: Refused = { reason: Reason.ban, rule: "channel_ban" };
const DISBANDED: Refused = { reason: Reason.disband, rule: "disbanded" };
const BAD_CHANNEL: Refused = { reason: Reason.channelIdError, rule: "bad_channel" };
const DENIED: Refused = { reason: Reason.inBlacklist, rule: "deny_list" };
const NOT_ALLOWED: Refused = { reason: Reason.notInWhitelist, rule: "allow_list" };
const NOT_MEMBER: Refused = { reason: Reason.subscriberNotExist, rule: "not_member" };
const RECEIVE_ONLY: Refused = { reason: Reason.subscriberNotExist, rule: "receive_only" };

export function refusalOf(question: PermissionQuestion): Refused {
  const { channel, fromUid } = question;
  if (question.senderRecord?.row.sendBan) return SEND_BAN;
  if (question.log === "chat" && channel.kind.checksBan) {
    if (channel.row.ban) return CHANNEL_BAN;
    if (channel.row.disband) return DISBANDED;
  }
  if (question.origin === "server" || question.isSystem(fromUid)) return undefined;
  const { maySend } = channel.kind;
  switch (maySend) {
    case "anyone":
      return undefined;
    case "peer-rules":
      return personRefusal(question);
    case "parties-or-members":
    case "owner-or-members":
      return channel.implied.includes(fromUid) ? undefined : memberRefusal(channel, fromUid);
    case "members":
      return memberRefusal(channel, fromUid);
  }
}

function personRefusal(question: PermissionQuestion): Refused {
  const receiver = peerOf(question.channel.key.id, question.fromUid);
  if (receiver === undefined || question.receiverRecord === undefined) return BAD_CHANNEL;
  if (question.isSystem(receiver)) return undefined;
  if (question.receiverRecord.deny.hasDecided(question.fromUid)) return DENIED;
  if (question.personAllowListOff) return undefined;
  return question.receiverRecord.allow.hasDecided(question.fromUid) ? undefined : NOT_ALLOWED;
}

function memberRefusal(channel: Channel, uid: string): Refused {
  if (channel.deny.hasDecided(uid)) return DENIED;
  if (!channel.members.hasDecided(uid)) return NOT_MEMBER;
  if (channel.row.receiveOnly) return RECEIVE_ONLY;
  if (channel.allow.decidedCount > 0 && !channel.allow.hasDecided(uid)) return NOT_ALLOWED;
  return undefined;
}
