/**
 * What may be an id. Uids and channel ids are text of valid Unicode; longer ones than the keys are made for are refused,
 * and so are the characters that could never be written to or logged in with.
 */
import { COMMAND_SUFFIX } from "@wukong-ts/protocol";

export const UID_BYTES_MAX = 255;
export const CHANNEL_ID_BYTES_MAX = 512;
export const CLIENT_MSG_NO_BYTES_MAX = 255;
/** A text on the wire cannot be longer. */
export const TOPIC_BYTES_MAX = 32_767;

/** `@ # &` would end an id inside another one in WuKongIM's own formats. */
const SPECIAL = /[@#&]/;

export function hasSpecialCharacters(id: string): boolean {
  return SPECIAL.test(id);
}

/** A uid that can log in, be a member and be written to. */
export function isUid(uid: string): boolean {
  return uid.trim() !== "" && fits(uid, UID_BYTES_MAX) && !hasSpecialCharacters(uid) && !uid.endsWith(COMMAND_SUFFIX);
}

export function isChannelId(id: string): boolean {
  return id.trim() !== "" && fits(id, CHANNEL_ID_BYTES_MAX);
}

/** UTF-8 length without encoding where the answer is plain from the number of characters. */
export function fits(text: string, bytesMax: number): boolean {
  if (text.length * 3 <= bytesMax) return true;
  return text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax;
}
