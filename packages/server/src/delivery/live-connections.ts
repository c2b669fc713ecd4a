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

/** Counts as those of a connection, of all connections there have been since the start. */
export interface Traffic {
  readonly inMessages: number;
  readonly inMessageBytes: number;
  readonly inPacketBytes: number;
  readonly outMessages: number;
  readonly outMessageBytes: number;
  readonly outPacketBytes: number;
}

export const NO_TRAFFIC: Traffic = {
  inMessages: 0,
  inMessageBytes: 0,
  inPacketBytes: 0,
  outMessages: 0,
  outMessageBytes: 0,
  outPacketBytes: 0,
};

export interface LiveConnections {
  /** Open sockets, those that have not logged in included. */
  readonly socketCount: number;
  /** Those of these sessions that there are and that are not being closed. */
  named(sessionIds: readonly number[]): Promise<readonly LiveConnection[]>;
  /** Every session by its id, oldest first. May be gone through while connections come and go. */
  pages(): AsyncIterable<readonly LiveConnection[]>;
  traffic(): Promise<Traffic>;
}

export interface ConnectionPage {
  readonly connections: readonly LiveConnection[];
  /** The id behind which the next page begins; undefined: this is the last one. */
  readonly next: number | undefined;
}
