/**
 * Every bound of every cache, queue and map that somebody outside can make grow: a count, and bytes where the entries
 * differ in size. Counts go down to 100 or less and the server still works, only slower or with more refusals; bytes
 * go down to what one message of the largest allowed size needs (`LIMIT_RULES`).
 */

export const LIMITS = {
  frameBytesMax: {
    kind: "bytes",
    min: 4096,
    max: 67_108_864,
    default: "1MiB",
    doc: "Largest inbound frame on TCP and WebSocket; a longer one closes the connection.",
  },
  payloadBytesMax: {
    kind: "bytes",
    min: 100,
    max: 67_108_864,
    default: "1MiB",
    doc: "Largest payload of one message, after decryption; a longer one is refused with reason 15 (HTTP 400). WuKongIM takes whatever fits its frame of 1 MiB. wukongimjssdk breaks when it receives a message of about 90 KB or more: with such clients set 64KiB.",
  },
  connectionsMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "100000",
    doc: "Open client connections, logged in or not. One more is closed at once.",
  },
  connectionsPerIpMax: {
    kind: "integer",
    min: 0,
    max: 1_000_000_000,
    default: "20000",
    doc: "Open client connections from one IP address; 0 is no bound of its own. Behind a proxy or a NAT all clients share an address: raise it there.",
  },
  unauthenticatedTime: {
    kind: "duration",
    minMs: 100,
    default: "10s",
    doc: "How long a connection may stay without a successful CONNECT.",
  },
  sessionSendsMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "4096",
    doc: "Unanswered SENDs of one session; beyond, its socket is not read until some are answered.",
  },
  sessionSendBytesMax: {
    kind: "bytes",
    min: 4096,
    max: 1_073_741_824,
    default: "8MiB",
    doc: "The same in bytes of payload.",
  },
  outboxFramesMax: {
    kind: "integer",
    min: 10,
    max: 1_000_000_000,
    default: "100000",
    doc: "Frames that wait for one slow reader; beyond, its connection is closed and the client finds what it missed by sync.",
  },
  outboxBytesMax: {
    kind: "bytes",
    min: 8192,
    max: 1_073_741_824,
    default: "4MiB",
    doc: "The same in bytes.",
  },
  pendingAcksMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000,
    default: "1024",
    doc: "Pushed messages of one session that wait for RECVACK and would be sent again; the oldest is forgotten first (sync still finds it).",
  },
  channelCacheMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "100000",
    doc: "Loaded channels with their members and lists.",
  },
  channelCacheBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 68_719_476_736,
    default: "256MiB",
    doc: "The same in bytes, roughly.",
  },
  conversationCacheUsersMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "20000",
    doc: "Users whose chat list is kept in memory.",
  },
  conversationCacheBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 68_719_476_736,
    default: "256MiB",
    doc: "The same in bytes, roughly.",
  },
  recentsCacheMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "100000",
    doc: "Channels whose newest messages are kept in memory for chat lists.",
  },
  recentsCacheBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 68_719_476_736,
    default: "128MiB",
    doc: "The same in bytes, roughly, with the JSON that is made of them.",
  },
  listOrdersMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "10000",
    doc: "Chat lists being paged: page 1 fixes the order for the pages after it, for 2 minutes. A forgotten order is computed again.",
  },
  listOrdersBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 68_719_476_736,
    default: "64MiB",
    doc: "The same in bytes, roughly.",
  },
  commandHandOutsMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "20000",
    doc: "Users whose last hand-outs of /message/sync are remembered for /message/syncack. The oldest is forgotten first: those commands are handed out again.",
  },
  commandHandOutsBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 68_719_476_736,
    default: "64MiB",
    doc: "The same in bytes, roughly.",
  },
  earlyCommandAcksMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "200000",
    doc: "Commands with a RECVACK that wait for the one of an earlier command. Those of the oldest channel are forgotten first: they are handed out again.",
  },
  earlyCommandAcksBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 68_719_476_736,
    default: "32MiB",
    doc: "The same in bytes, roughly.",
  },
  commitBatchBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 1_073_741_824,
    default: "4MiB",
    doc: "One change of one shard.",
  },
  commitWriteBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 1_073_741_824,
    default: "16MiB",
    doc: "Changes that are merged into one synced write.",
  },
  commitQueueBatchesMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "65536",
    doc: "Changes that wait for the disk; beyond, sends are refused with reason 22 (HTTP 503) before they get a seq.",
  },
  commitQueueBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 17_179_869_184,
    default: "64MiB",
    doc: "The same in bytes.",
  },
  keyFilterBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 17_179_869_184,
    default: "128MiB",
    doc: "Memory for knowing which keys are not on the disk, about 1.5 bytes for each that is. Beyond, part of the look-ups go to the disk again.",
  },
  fanOutMessagesMax: {
    kind: "integer",
    min: 1,
    max: 1_000_000_000,
    default: "100000",
    doc: "Durable messages that wait to be pushed to sockets; beyond, sends are refused with reason 22 (HTTP 503).",
  },
  fanOutBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 17_179_869_184,
    default: "64MiB",
    doc: "The same in bytes.",
  },
  fanOutSliceReceivers: {
    kind: "integer",
    min: 1,
    max: 100_000,
    default: "500",
    doc: "Receivers of one message that are served before other work gets its turn.",
  },
  gatewayQueueBytesMax: {
    kind: "bytes",
    min: 65_536,
    max: 17_179_869_184,
    default: "32MiB",
    doc: "What is on its way between the main thread and one of gateway.workers, each direction. Beyond, its sockets are not read; the other way, sends are refused with reason 22 (HTTP 503).",
  },
  httpBodyBytesMax: {
    kind: "bytes",
    min: 1024,
    max: 1_073_741_824,
    default: "10MiB",
    doc: "Largest HTTP request body; a longer one is answered with 413.",
  },
} as const;

/** `larger` must be at least `times` × `smaller`, or one allowed message could never pass. */
export interface LimitRule {
  readonly larger: ByteLimit;
  readonly times: number;
  readonly smaller: ByteLimit;
}

type ByteLimit = Extract<keyof typeof LIMITS, `${string}BytesMax`>;

export const LIMIT_RULES: readonly LimitRule[] = [
  { larger: "sessionSendBytesMax", times: 1, smaller: "frameBytesMax" },
  { larger: "outboxBytesMax", times: 2, smaller: "payloadBytesMax" },
  { larger: "commitBatchBytesMax", times: 2, smaller: "payloadBytesMax" },
  { larger: "commitWriteBytesMax", times: 1, smaller: "commitBatchBytesMax" },
  { larger: "commitQueueBytesMax", times: 1, smaller: "commitWriteBytesMax" },
  { larger: "fanOutBytesMax", times: 1, smaller: "payloadBytesMax" },
];
