/** Why an id in a request is refused, in the words of the original where it has any. undefined: it is fine. */
import { COMMAND_SUFFIX } from "@wukong-ts/protocol";
import { hasSpecialCharacters, isUid, UID_BYTES_MAX } from "../messaging/valid-ids.ts";

export const BAD_CHANNEL_ID = "频道ID不合法！";
export const CHANNEL_ID_SPECIAL = "频道ID不能包含特殊字符！";

export function isBlank(text: string): boolean {
  return text.trim() === "";
}

/** Of one uid that is to become a member, be put on a list or speak. */
export function uidProblem(uid: string): string | undefined {
  if (isUid(uid)) return undefined;
  if (isBlank(uid)) return "uid不能为空！";
  if (hasSpecialCharacters(uid)) return "uid不能包含特殊字符！";
  if (uid.endsWith(COMMAND_SUFFIX)) return `uid不能以${COMMAND_SUFFIX}结尾！`;
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
  return channelId.endsWith(COMMAND_SUFFIX) ? `频道ID不能以${COMMAND_SUFFIX}结尾！` : undefined;
}
