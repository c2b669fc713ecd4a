/**
 * Who is connected: the sessions of every user, and who gives way to whom. A login only ever ends sessions of the same
 * uid and the same device flag:
 *
 *   new session   old session on           ends   is told so
 *   master        another device           yes    yes
 *   master        the same device          yes    no
 *   slave         the same device          yes    no
 *   slave         another device           no
 *
 * The level of the old session does not matter.
 */
import type { Session } from "./session.ts";

export class Presence {
  /** Told of every session that has come or gone, in the same step. */
  watcher: ((session: Session, isOnline: boolean) => void) | undefined;
  readonly #byUid = new Map<string, Session[]>();
  readonly #byId = new Map<number, Session>();

  /** Called in the step that queues CONNACK. Returns the sessions this one ends; they are removed already. */
  add(session: Session): readonly Session[] {
    const others = this.#byUid.get(session.uid);
    const kicked = others?.filter((old) => isKicked(old, session)) ?? [];
    for (const old of kicked) this.remove(old.id);
    this.#byId.set(session.id, session);
    const sessions = this.#byUid.get(session.uid);
    if (sessions === undefined) this.#byUid.set(session.uid, [session]);
    else sessions.push(session);
    this.watcher?.(session, true);
    return kicked;
  }

  /** What was removed; undefined: there is no such session. */
  remove(sessionId: number): Session | undefined {
    const session = this.#byId.get(sessionId);
    if (session === undefined) return undefined;
    this.#byId.delete(sessionId);
    const sessions = this.#byUid.get(session.uid);
    if (sessions === undefined) return session;
    if (sessions.length === 1) this.#byUid.delete(session.uid);
    else sessions.splice(sessions.indexOf(session), 1);
    this.watcher?.(session, false);
    return session;
  }

  session(id: number): Session | undefined {
    return this.#byId.get(id);
  }

  /** In the order of their logins. Live: not to be kept. */
  of(uid: string): readonly Session[] {
    return this.#byUid.get(uid) ?? NONE;
  }

  /** Sessions. */
  get count(): number {
    return this.#byId.size;
  }

  /** Users with a session. */
  get userCount(): number {
    return this.#byUid.size;
  }
}

const NONE: readonly Session[] = [];

/** Only a session on another device is told that it was kicked; one on the same device is the client itself, come back. */
export function isToldOfKick(kicked: Session, by: Session): boolean {
  return kicked.deviceId !== by.deviceId;
}

function isKicked(old: Session, by: Session): boolean {
  return old.deviceFlag === by.deviceFlag && (by.deviceLevel === "master" || old.deviceId === by.deviceId);
}
