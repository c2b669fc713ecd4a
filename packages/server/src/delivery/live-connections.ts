/**
 * The open connections as an operator sees them: snapshots, made when asked for from the plain numbers that the gateway
 * keeps.
 */
import type { Session } from "./session.ts";

/** Counted since the connection was accepted. Messages are SENDs that were taken and RECVs; their bytes are the payloads'. */
export interface LiveConnection {
  readonly session: Session;
  readonly ip: string;
  readonly port: number;
  readonly ageMs: number;
  /** Since the last byte from the client. */
  readonly idleMs: number;
  /** Output that waits in the server or in its socket. */
  readonly pendingBytes: number;
  readonly inMessages: number;
  readonly inMessageBytes: number;
  readonly inPackets: number;
  readonly inPacketBytes: number;
  readonly outMessages: number;
  readonly outMessageBytes: number;
  readonly outPackets: number;
  readonly outPacketBytes: number;
}

export interface LiveConnections {
  /** Open sockets, those that have not logged in included. */
  readonly socketCount: number;
  /** Those of these sessions that there are and that are not being closed. */
  named(sessionIds: readonly number[]): Promise<readonly LiveConnection[]>;
  /** Every session by its id, oldest first. May be gone through while connections come and go. */
  pages(): AsyncIterable<readonly LiveConnection[]>;
}

export interface ConnectionPage {
  readonly connections: readonly LiveConnection[];
  /** The id behind which the next page begins; undefined: this is the last one. */
  readonly next: number | undefined;
}
