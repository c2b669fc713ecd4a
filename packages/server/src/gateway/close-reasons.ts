/**
 * Why connections are closed: every close names one of these, so "why was I cut off?" always has an answer, and the
 * gateway counts them by name. Texts are short enough for a WebSocket close frame (120 bytes).
 */
export const CLOSE_REASONS = {
  client_closed: "the client closed the connection",
  client_disconnected: "the client sent DISCONNECT",
  too_many_connections: "the server has as many connections as it may",
  too_many_connections_from_ip: "this address has as many connections as it may",
  connect_timeout: "no CONNECT in time",
  idle: "nothing was heard for too long",
  connect_expected: "the first packet was not CONNECT",
  malformed_frame: "bytes that are no frame of the protocol",
  bad_uid: "the uid is blank, too long or has @, # or & in it",
  bad_device_id: "the device id is too long",
  reserved_id: "the uid or device id is reserved for the server",
  auth_failed: "the token was not accepted",
  banned: "the user is banned",
  bad_client_key: "no key can be agreed with this client key",
  login_unavailable: "the user could not be looked up now; try again",
  kicked: "another login or an administrator ended the session",
  slow_reader: "the client takes its messages too slowly",
  server_stopping: "the server is stopping",
  worker_failed: "the thread that held this connection has ended",
  internal_error: "the server failed to handle this connection",
} as const;

export type CloseReason = keyof typeof CLOSE_REASONS;

/** How many connections ended for each reason. */
export type CloseCounts = Record<CloseReason, number>;

export function createCloseCounts(): CloseCounts {
  const counts: Partial<CloseCounts> = {};
  for (const reason of Object.keys(CLOSE_REASONS)) counts[reason as CloseReason] = 0; // the keys of the table itself
  return counts as CloseCounts;
}
