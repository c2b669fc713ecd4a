/** The core in the thread of the gateway: everything is answered at once. Workers are served by it, too. */
import { Reason } from "@wukong-ts/protocol";
import type { Outbound } from "../delivery/outbound.ts";
import type { PendingAcks } from "../delivery/pending-acks.ts";
import { isToldOfKick, type Presence } from "../delivery/presence.ts";
import type { Session } from "../delivery/session.ts";
import type { SessionTrail } from "../delivery/session-trail.ts";
import type { CommandReceipts } from "../messaging/commands.ts";
import type { IdGenerator } from "../messaging/ids.ts";
import type { RefusalTrail } from "../messaging/refusals.ts";
import type { Sending, SendRequest, SendSink } from "../messaging/send.ts";
import type { TokenBuckets } from "../messaging/token-buckets.ts";
import type { Users } from "../messaging/users.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import type { CloseReason } from "./close-reasons.ts";
import { judgeLogin } from "./connect.ts";
import type { Core, Entrant, RecvackFrame, SendRefusal, SocketHolder } from "./core.ts";
import { handleRecvack } from "./handlers/recvack.ts";

export interface LocalCoreDeps {
  readonly users: Pick<Users, "login">;
  readonly sending: Sending;
  readonly presence: Pick<Presence, "add" | "remove">;
  readonly acks: Pick<PendingAcks, "acked" | "forget">;
  readonly commands: CommandReceipts;
  readonly trail: SessionTrail & RefusalTrail;
  /** Names the SENDs that are refused before messaging sees them. */
  readonly ids: Pick<IdGenerator, "next">;
  /** How fast SENDs may come from one address; without it as fast as they like. */
  readonly perIp?: TokenBuckets | undefined;
  /** For the log: something that should not have thrown did. The connection concerned is closed. */
  readonly failed: (error: unknown) => void;
  /** For the log: why a connection has ended. `uid` is empty before the login. */
  readonly closed: (reason: CloseReason, uid: string, ip: string) => void;
  readonly options: AdmissionLimits & {
    /** From the DISCONNECT of a kick by another login to the close. */
    readonly kickCloseMs: number;
  };
}

const KICK_TEXT = "login in other device";

export class LocalCore implements Core {
  readonly sending: Sending;
  readonly isBehind = false;
  readonly #deps: LocalCoreDeps;
  readonly #admission: Admission;
  #outbound: Outbound | undefined;

  constructor(deps: LocalCoreDeps) {
    this.#deps = deps;
    this.sending = deps.sending;
    this.#admission = new Admission(deps.options);
  }

  /** Connections that count. */
  get connections(): number {
    return this.#admission.count;
  }

  attach({ outbound }: Pick<SocketHolder, "outbound">): void {
    this.#outbound = outbound;
  }

  opened(_id: number, ip: string): CloseReason | undefined {
    const refusal = this.#admission.open(ip);
    if (refusal !== undefined) this.#deps.closed(refusal, "", ip);
    return refusal;
  }

  enter(entrant: Entrant): void {
    const { uid, deviceId, deviceFlag } = entrant.session;
    const login = this.#deps.users.login({ uid, deviceId, deviceFlag, token: entrant.token });
    const verdict = judgeLogin(login, entrant);
    if (verdict.kind !== "welcome") {
      this.#deps.trail.loginFailed(uid, deviceFlag, verdict.close);
      entrant.decided(verdict);
      return;
    }
    const session: Session = { ...entrant.session, deviceLevel: verdict.level };
    const kicked = this.#deps.presence.add(session);
    this.#deps.trail.opened(session);
    for (const old of kicked) {
      this.#gone(old, "kicked");
      const reason = isToldOfKick(old, session) ? Reason.connectKick : null;
      this.#outbound?.disconnect([old.id], reason, KICK_TEXT, this.#deps.options.kickCloseMs);
    }
    // In the same step as presence: a message is durable before it, and found by sync, or pushed behind the CONNACK.
    entrant.decided(verdict);
  }

  granted(ip: string, wanted: number): number {
    return this.#deps.perIp?.take(ip, wanted) ?? wanted;
  }

  refuse(requests: readonly SendRequest[], rule: SendRefusal, ip: string, sink: SendSink): void {
    const { ids, trail, perIp } = this.#deps;
    const why =
      rule === "rate_limit"
        ? { reason: Reason.rateLimit, retryAfterMs: perIp?.retryAfterMs(ip) ?? 1 }
        : { reason: Reason.payloadDecodeError };
    for (const request of requests) {
      const id = ids.next();
      trail.refused(request, id, why.reason, rule);
      sink.answered(request, { ...why, id, seq: 0, repeated: false });
    }
  }

  received(frame: RecvackFrame, session: Pick<Session, "id" | "uid">): void {
    handleRecvack(frame, session, this.#deps.acks, this.#deps.commands);
  }

  left(id: number, reason: CloseReason): void {
    // Who was kicked by another login is no longer there.
    const session = this.#deps.presence.remove(id);
    if (session !== undefined) this.#gone(session, reason);
  }

  closed(_id: number, reason: CloseReason, uid: string, ip: string): void {
    this.#admission.close(ip);
    this.#deps.closed(reason, uid, ip);
  }

  failed(error: unknown): void {
    this.#deps.failed(error);
  }

  /** In this order: what he did not acknowledge is kept with his session. */
  #gone(session: Session, reason: CloseReason): void {
    this.#deps.acks.forget(session.id);
    this.#deps.trail.left(session, reason);
  }
}
