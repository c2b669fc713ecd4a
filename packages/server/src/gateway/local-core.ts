/** The core in the thread of the gateway: everything is answered at once. Workers are served by it, too. */
import { Reason } from "@wukong-ts/protocol";
import type { Outbound } from "../delivery/outbound.ts";
import type { PendingAcks } from "../delivery/pending-acks.ts";
import { isToldOfKick, type Presence } from "../delivery/presence.ts";
import type { Session } from "../delivery/session.ts";
import type { CommandReceipts } from "../messaging/commands.ts";
import type { IdGenerator } from "../messaging/ids.ts";
import type { Sending, SendRequest, SendSink } from "../messaging/send.ts";
import type { Users } from "../messaging/users.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import type { CloseReason } from "./close-reasons.ts";
import { judgeLogin } from "./connect.ts";
import type { Core, Entrant, RecvackFrame, SocketHolder } from "./core.ts";
import { handleRecvack } from "./handlers/recvack.ts";

export interface LocalCoreDeps {
  readonly users: Pick<Users, "login">;
  readonly sending: Sending;
  readonly presence: Pick<Presence, "add" | "remove">;
  readonly acks: Pick<PendingAcks, "acked" | "forget">;
  readonly commands: CommandReceipts;
  /** Names the SENDs that are refused before messaging sees them. */
  readonly ids: Pick<IdGenerator, "next">;
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
      entrant.decided(verdict);
      return;
    }
    const session: Session = { ...entrant.session, deviceLevel: verdict.level };
    for (const old of this.#deps.presence.add(session)) {
      const reason = isToldOfKick(old, session) ? Reason.connectKick : null;
      this.#outbound?.disconnect([old.id], reason, KICK_TEXT, this.#deps.options.kickCloseMs);
    }
    // In the same step as presence: a message is durable before it, and found by sync, or pushed behind the CONNACK.
    entrant.decided(verdict);
  }

  refuse(requests: readonly SendRequest[], reason: number, sink: SendSink): void {
    for (const request of requests) {
      sink.answered(request, { reason, id: this.#deps.ids.next(), seq: 0, repeated: false });
    }
  }

  received(frame: RecvackFrame, session: Pick<Session, "id" | "uid">): void {
    handleRecvack(frame, session, this.#deps.acks, this.#deps.commands);
  }

  left(id: number): void {
    this.#deps.presence.remove(id);
    this.#deps.acks.forget(id);
  }

  closed(_id: number, reason: CloseReason, uid: string, ip: string): void {
    this.#admission.close(ip);
    this.#deps.closed(reason, uid, ip);
  }

  failed(error: unknown): void {
    this.#deps.failed(error);
  }
}
