/**
 * The core as a gateway in a worker sees it: what happens is told as rows, what is decided comes back as rows. The
 * requests stay here until they are answered, each under a ticket.
 */
import { HeaderFlag } from "@wukong-ts/protocol";
import type { PushedMessage } from "../../delivery/outbound.ts";
import type { Session } from "../../delivery/session.ts";
import type { Sending, SendRequest, SendResult, SendSink } from "../../messaging/send.ts";
import type { CloseReason } from "../close-reasons.ts";
import type { Core, Entrant, EntryVerdict, RecvackFrame, SendRefusal, SocketHolder } from "../core.ts";
import type { CoreRows } from "./core-rows.ts";
import type { GatewayRows } from "./gateway-rows.ts";

export interface RemoteCoreDeps {
  readonly rows: CoreRows;
  /** Too many rows are on their way. */
  readonly isBehind: () => boolean;
  /** For the log. */
  readonly failed: (error: unknown) => void;
}

export class RemoteCore implements Core, Sending, GatewayRows {
  readonly sending: Sending = this;
  readonly #deps: RemoteCoreDeps;
  readonly #entrants = new Map<number, Entrant>();
  /** By ticket. */
  readonly #requests: (SendRequest | undefined)[] = [];
  readonly #sinks: (SendSink | undefined)[] = [];
  readonly #freeTickets: number[] = [];
  #holder: SocketHolder | undefined;

  constructor(deps: RemoteCoreDeps) {
    this.#deps = deps;
  }

  // ---- Core

  get isBehind(): boolean {
    return this.#deps.isBehind();
  }

  attach(holder: SocketHolder): void {
    this.#holder = holder;
  }

  opened(id: number, ip: string): "later" {
    this.#deps.rows.opened(id, ip);
    return "later";
  }

  enter(entrant: Entrant): void {
    this.#entrants.set(entrant.session.id, entrant);
    this.#deps.rows.entered(entrant.session, entrant.token, entrant.agreeOnKeys());
  }

  send(requests: readonly SendRequest[], sink: SendSink): void {
    this.#deps.rows.sends(requests, this.#ticketsFor(requests, sink), undefined);
  }

  granted(_ip: string, wanted: number): number {
    return wanted;
  }

  refuse(requests: readonly SendRequest[], rule: SendRefusal, _ip: string, sink: SendSink): void {
    this.#deps.rows.sends(requests, this.#ticketsFor(requests, sink), rule);
  }

  received(frame: RecvackFrame, session: Pick<Session, "id">): void {
    // It would mean nothing.
    if ((frame.flags & HeaderFlag.noPersist) === 0) this.#deps.rows.received(frame, session.id);
  }

  left(id: number, reason: CloseReason): void {
    this.#entrants.delete(id);
    this.#deps.rows.left(id, reason);
  }

  closed(id: number, reason: CloseReason): void {
    this.#deps.rows.closed(id, reason);
  }

  failed(error: unknown): void {
    this.#deps.failed(error);
  }

  caughtUp(): void {
    this.#holder?.caughtUp();
  }

  // ---- GatewayRows

  admitted(id: number): void {
    this.#holder?.admit(id);
  }

  ended(id: number, reason: CloseReason): void {
    this.#holder?.end(id, reason);
  }

  decided(id: number, verdict: EntryVerdict): void {
    const entrant = this.#entrants.get(id);
    this.#entrants.delete(id);
    try {
      entrant?.decided(verdict);
    } catch (error) {
      this.#deps.failed(error);
      this.#holder?.end(id, "internal_error");
    }
  }

  answered(ticket: number, result: SendResult): void {
    const request = this.#requests[ticket];
    const sink = this.#sinks[ticket];
    this.#giveBack(ticket);
    if (request !== undefined) sink?.answered(request, result);
  }

  forgotten(ticket: number): void {
    this.#giveBack(ticket);
    this.#holder?.unanswered(-1);
  }

  recv(message: PushedMessage, to: readonly number[]): void {
    this.#holder?.outbound.recv(message, to);
  }

  disconnect(to: readonly number[], reason: number | null, text: string, closeAfterMs: number): void {
    this.#holder?.outbound.disconnect(to, reason, text, closeAfterMs);
  }

  #ticketsFor(requests: readonly SendRequest[], sink: SendSink): readonly number[] {
    const tickets: number[] = [];
    for (const request of requests) {
      const ticket = this.#freeTickets.pop() ?? this.#requests.length;
      this.#requests[ticket] = request;
      this.#sinks[ticket] = sink;
      tickets.push(ticket);
    }
    return tickets;
  }

  #giveBack(ticket: number): void {
    this.#requests[ticket] = undefined;
    this.#sinks[ticket] = undefined;
    this.#freeTickets.push(ticket);
  }
}
