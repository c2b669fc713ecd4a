/** Comings and goings of sessions, as plain data, told to whoever keeps them for later questions. */
import type { Session } from "./session.ts";

/** Cheap; never throws. Reasons are those of the gateway's `CLOSE_REASONS`. */
export interface SessionTrail {
  /** It is in presence from now on. */
  opened(session: Session): void;
  /** It has left presence, for good; its socket may be open a little longer. */
  left(session: Session, reason: string): void;
  /** A CONNECT with a uid that could be one was not accepted. */
  loginFailed(uid: string, deviceFlag: number, reason: string): void;
}
