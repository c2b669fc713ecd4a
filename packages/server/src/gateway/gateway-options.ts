import type { ListenAt } from "../world/world.ts";

/** The gateway's numbers, as plain data. Every bound is here, with what happens beyond it. */
export interface GatewayOptions {
  /** Ids of connections: the first one, and how far the next is from it. */
  readonly firstId: number;
  readonly idStep: number;
  /** The node number told in CONNACK. */
  readonly nodeId: number;
  /** No keys are agreed and payloads are plain. Web SDKs cannot connect then. */
  readonly disableEncryption: boolean;
  /** Every connection is taken for the binary protocol. */
  readonly disableJsonRpc: boolean;
  /** A SEND with the Setting bit NoEncrypt is taken as plain text although its session has keys. */
  readonly allowNoEncrypt: boolean;
  /** More connections are closed as soon as they are accepted. */
  readonly connectionsMax: number;
  readonly connectionsPerIpMax: number;
  /** For the listeners, as `ListenAt` has them. */
  readonly transports: Pick<ListenAt, "expectsProxyHeader" | "path" | "origins" | "sharesPort">;
  /** Networks whose word about a client's address is taken. */
  readonly trustedProxies: readonly string[];
  /** A frame that says it is longer closes the connection at its header. */
  readonly frameBytesMax: number;
  /** One inbound WebSocket message: some SDKs put up to five frames into one. */
  readonly webSocketMessageBytesMax: number;
  /** From accept to an accepted CONNECT; bytes that trickle in do not prolong it. */
  readonly unauthenticatedMs: number;
  /** Without a byte from an authenticated client. */
  readonly idleMs: number;
  /** How often the limits above are looked at. */
  readonly sweepMs: number;
  /** Beyond either a session's socket is not read until answers have gone out. */
  readonly unansweredSendsMax: number;
  readonly unansweredBytesMax: number;
  /** Output that waits for one connection, in the server and in its socket; beyond it the reader is too slow. */
  readonly outboundBytesMax: number;
  readonly outboundFramesMax: number;
  /** Between a refusing CONNACK and the close: some SDKs must be able to act on the reason first. */
  readonly refusedCloseMs: number;
  /** From the DISCONNECT of a kick by another login to the close. */
  readonly kickCloseMs: number;
  /** A socket that does not take its last bytes is cut after this time. */
  readonly closeGraceMs: number;
  /** How long `stop` waits for the answers of accepted sends. */
  readonly stopAnswersMs: number;
}

const MIB = 1024 * 1024;

export const GATEWAY_DEFAULTS: GatewayOptions = {
  firstId: 1,
  idStep: 1,
  nodeId: 1001,
  disableEncryption: false,
  disableJsonRpc: false,
  allowNoEncrypt: false,
  connectionsMax: 100_000,
  connectionsPerIpMax: 50_000,
  transports: {},
  trustedProxies: [],
  frameBytesMax: MIB,
  webSocketMessageBytesMax: 5 * MIB + 64 * 1024,
  unauthenticatedMs: 10_000,
  idleMs: 180_000,
  sweepMs: 1_000,
  unansweredSendsMax: 1_024,
  unansweredBytesMax: MIB,
  outboundBytesMax: 4 * MIB,
  outboundFramesMax: 100_000,
  refusedCloseMs: 500,
  kickCloseMs: 2_000,
  closeGraceMs: 5_000,
  stopAnswersMs: 3_000,
};
