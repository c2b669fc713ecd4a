/**
 * CONNECT → verdict, and the CONNACK that says it. Nothing here touches a socket or presence: the connection acts on the
 * verdict. A permanent refusal is told with a CONNACK, because SDKs then stop trying; a passing one is a plain close, so
 * that they come back; ids that no user can have are cut off at once, as in v2.2.5.
 */
import {
  CODEC_VERSION_MAX,
  COMMAND_SUFFIX,
  type Connack,
  type Connect,
  LATEST_VERSION,
  Reason,
  SYSTEM_DEVICE_ID,
  SYSTEM_UID,
} from "@wukong-ts/protocol";
import type { LoginVerdict } from "../messaging/users.ts";
import { fits, hasSpecialCharacters, UID_BYTES_MAX } from "../messaging/valid-ids.ts";
import type { Entrant, EntryVerdict, Refusal } from "./core.ts";
import type { KeyAgreement } from "./key-agreement.ts";

const DEVICE_ID_BYTES_MAX = 255;

/** Ids that nobody can have; undefined: the login decides. */
export function judgeIds({ uid, deviceId }: Connect): Refusal | undefined {
  if (uid.trim() === "" || hasSpecialCharacters(uid) || !fits(uid, UID_BYTES_MAX)) {
    return { kind: "cut", close: "bad_uid" };
  }
  if (!fits(deviceId, DEVICE_ID_BYTES_MAX)) return { kind: "cut", close: "bad_device_id" };
  if (uid === SYSTEM_UID || uid.endsWith(COMMAND_SUFFIX) || deviceId === SYSTEM_DEVICE_ID) {
    return { kind: "refused", reason: Reason.authFail, close: "reserved_id" };
  }
  return undefined;
}

/** What users say, and then whether keys can be agreed. */
export function judgeLogin(login: LoginVerdict, keys: Pick<Entrant, "agreeOnKeys">): EntryVerdict {
  if (login.reason === "transient") return { kind: "cut", close: "login_unavailable" };
  if (login.reason !== Reason.success) {
    return { kind: "refused", reason: login.reason, close: login.reason === Reason.ban ? "banned" : "auth_failed" };
  }
  const reason = keys.agreeOnKeys();
  if (reason !== Reason.success) return { kind: "refused", reason, close: "bad_client_key" };
  return { kind: "welcome", level: login.level };
}

/** Who knows of version 6 says exactly that; any other number above 5 gets 5, as in v2.2.5. */
export function negotiatedVersion(connect: Connect): number {
  return connect.version === CODEC_VERSION_MAX ? CODEC_VERSION_MAX : Math.min(connect.version, LATEST_VERSION);
}

/** `keys` undefined: refused, or a server without encryption. */
export function connackFor(
  connect: Connect,
  reason: number,
  keys: KeyAgreement | undefined,
  at: { readonly wallMs: number; readonly nodeId: number },
): Connack {
  const version = negotiatedVersion(connect);
  return {
    type: 2,
    ...(connect.version > 3 ? { serverVersion: version } : {}),
    // The client's clock may be anything, seconds or nonsense: the difference wraps as the wire's 64 bits do.
    timeDiff: BigInt.asIntN(64, BigInt(Math.trunc(at.wallMs)) - connect.clientTimestamp),
    reason,
    serverKey: keys?.serverKey ?? "",
    salt: keys?.salt ?? "",
    ...(version >= 4 ? { nodeId: BigInt(at.nodeId) } : {}),
  };
}
