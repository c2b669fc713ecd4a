/**
 * What the gateway needs of the rest of the server. Whoever holds sockets is in the same thread (`LocalCore`) or in a
 * worker (`RemoteCore`): the same connections run in both, so everything here is plain data and answers may come later.
 */
import type { Recvack } from "@wukong-ts/protocol";
import type { Outbound } from "../delivery/outbound.ts";
import type { Session } from "../delivery/session.ts";
import type { RefusalRule } from "../messaging/refusals.ts";
import type { Sending, SendRequest, SendSink } from "../messaging/send.ts";
import type { DeviceLevel } from "../messaging/users.ts";
import type { CloseReason } from "./close-reasons.ts";

export interface Core {
  /** As everywhere, and one session's batches in order. */
  readonly sending: Sending;
  /** It has more to do than it should: connections are not read until `caughtUp`. */
  readonly isBehind: boolean;
  /** Before anything else. */
  attach(holder: SocketHolder): void;
  /** A connection counts from now on; a reason: there is no room for it, and it does not. "later": `admit` or `end` will tell, and until then it is not read. */
  opened(id: number, ip: string): CloseReason | "later" | undefined;
  /** The login. Who is welcome is in presence when he is told so, and everything that he gets comes behind that. */
  enter(entrant: Entrant): void;
  /**
   * As many of `wanted` SENDs as may come from this address now; they count as taken. From another thread all seem
   * granted, and the core refuses what is too much when it gets there.
   */
  granted(ip: string, wanted: number): number;
  /** SENDs that messaging never sees: each is answered with an id. */
  refuse(requests: readonly SendRequest[], rule: SendRefusal, ip: string, sink: SendSink): void;
  /** A RECVACK. */
  received(frame: RecvackFrame, session: Pick<Session, "id" | "uid">): void;
  /** In one step out of presence and of the waiting acknowledgements; harmless for who never came in. */
  left(id: number, reason: CloseReason): void;
  /** What was `opened` and not refused has ended; behind `left`. `uid` is empty before the login. */
  closed(id: number, reason: CloseReason, uid: string, ip: string): void;
  /** For the log: something that should not have thrown did. */
  failed(error: unknown): void;
}

/** What the gateway itself refuses SENDs for. */
export type SendRefusal = Extract<RefusalRule, "undecodable" | "rate_limit">;

export type RecvackFrame = Pick<Recvack, "flags" | "messageId" | "messageSeq">;

/** What the core asks of the gateway. */
export interface SocketHolder {
  readonly outbound: Outbound;
  admit(id: number): void;
  /** There is no room for it, or it could not be served: the connection is closed with that reason. */
  end(id: number, reason: CloseReason): void;
  caughtUp(): void;
  /** So many SENDs were accepted or, negative, answered. */
  unanswered(count: number): void;
}

/** A client that has sent a CONNECT with possible ids. */
export interface Entrant {
  readonly session: Omit<Session, "deviceLevel">;
  readonly token: string;
  /** Once the login is accepted, or before: success, or the reason why no keys can be agreed. */
  agreeOnKeys(): number;
  /** Once. */
  decided(verdict: EntryVerdict): void;
}

export type EntryVerdict = { readonly kind: "welcome"; readonly level: DeviceLevel } | Refusal;

/** Told with a CONNACK, or cut off without a word. */
export type Refusal =
  | { readonly kind: "refused"; readonly reason: number; readonly close: CloseReason }
  | { readonly kind: "cut"; readonly close: CloseReason };
