/** Why an id in a request is refused, in the words of the original where it has any. undefined: it is fine. */
import { COMMAND_SUFFIX } from "@wukong-ts/protocol";
import { hasSpecialCharacters, isUid, UID_BYTES_MAX } from "../messaging/valid-ids.ts";

export const BAD_CHANNEL_ID = "频道ID不合法！";
export const CHANNEL_ID_SPECIAL = "频道ID不能包含特殊字符！";

export const BLANK_UID = "uid不能为空！";
const UID_SPECIAL = "uid不能包含特殊字符！";
const UID_OF_COMMANDS = `uid不能以${COMMAND_SUFFIX}结尾！`;
/** What a route that takes uids may say of one, beside its own text for a blank one. Their length is the schema's. */
export const UID_REFUSALS: readonly string[] = [UID_SPECIAL, UID_OF_COMMANDS];
/** What `commandLogProblem` says. */
export const COMMAND_LOG_REFUSAL: string = `频道ID不能以${COMMAND_SUFFIX}结尾！`;

export function isBlank(text: string): boolean {
  return text.trim() === "";
}

/** Of one uid that is to become a member, be put on a list or speak. */
export function uidProblem(uid: string): string | undefined {
  if (isUid(uid)) return undefined;
  if (isBlank(uid)) return BLANK_UID;
  if (hasSpecialCharacters(uid)) return UID_SPECIAL;
  if (uid.endsWith(COMMAND_SUFFIX)) return UID_OF_COMMANDS;
  return `uid不能超过${UID_BYTES_MAX}字节！`;
}

/** Of the first bad one. `blankText` is the route's own text for a blank uid. */
export function uidsProblem(uids: readonly string[], blankText: string): string | undefined {
  for (const uid of uids) {
    const problem = isBlank(uid) ? blankText : uidProblem(uid);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A command log has the members, lists and flags of its channel; it cannot be given its own. */
export function commandLogProblem(channelId: string): string | undefined {
  return channelId.endsWith(COMMAND_SUFFIX) ? COMMAND_LOG_REFUSAL : undefined;
}
