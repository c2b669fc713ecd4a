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

export interface LiveConnections {
  /** Open sockets, those that have not logged in included. */
  readonly socketCount: number;
  /** undefined: there is no such session, or it is being closed. */
  connection(sessionId: number): LiveConnection | undefined;
  /** Every session, oldest first. May be gone through in slices while connections come and go. */
  connections(): Iterable<LiveConnection>;
  traffic(): Traffic;
}
