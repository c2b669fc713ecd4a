/**
 * The one schema: every key that does something, under the names of WuKongIM's `wk.yaml`. Types, defaults, the file,
 * the environment, the example and the docs table all come from here (and `limits.ts`). A key that nothing reads must
 * not stand here; the original's keys without effect are in `inert-keys.ts`.
 */
import type { ConfigOf, FieldTree } from "./field.ts";
import { LIMITS } from "./limits.ts";

const FIELDS = {
  mode: {
    kind: "choice",
    choices: ["debug", "release", "bench"],
    default: "release",
    doc: "Decides the log level when logger.level is 0: debug logs everything, release and bench from info up.",
  },
  rootDir: {
    kind: "text",
    default: "./wukongimdata",
    doc: "Where everything on disk lies, unless another key says otherwise.",
  },
  dataDir: { kind: "text", default: "", doc: "The database. Empty: the folder `data` in rootDir." },
  store: {
    compression: {
      kind: "boolean",
      default: "false",
      doc: "Compresses files of the database that are written from then on (Snappy): about half the disk for short messages, up to a fifth more CPU.",
    },
    writeBufferBytes: {
      kind: "bytes",
      min: 1_048_576,
      max: 1_073_741_824,
      default: "32MiB",
      doc: "What was written last is kept sorted in memory up to this size, twice if need be. 128MiB takes a seventh off the CPU among a million channels, but is read again at each start: 0.4 s more.",
    },
  },
  addr: {
    kind: "address",
    scheme: "tcp",
    default: "tcp://0.0.0.0:5100",
    doc: "TCP clients. `off`: no such listener; port 0: any free port (for all addresses).",
  },
  tlsAddr: {
    kind: "address",
    scheme: "tls",
    default: "off",
    doc: "TCP clients with TLS, as tls://0.0.0.0:5110; needs a certificate (tlsConfig or wssConfig).",
  },
  tlsConfig: {
    certFile: { kind: "text", default: "", doc: "Certificate for tlsAddr, as in wssConfig. Empty: that of wssConfig." },
    keyFile: { kind: "text", default: "", doc: "Its private key. Empty: that of wssConfig." },
  },
  wsAddr: { kind: "address", scheme: "ws", default: "ws://0.0.0.0:5200", doc: "WebSocket clients." },
  wssAddr: {
    kind: "address",
    scheme: "wss",
    default: "off",
    doc: "WebSocket clients with TLS, as wss://0.0.0.0:5210; needs wssConfig.",
  },
  wssConfig: {
    certFile: {
      kind: "text",
      default: "",
      doc: "Certificate for wssAddr in PEM, with the chain behind it. Read again within seconds when it changes; one that cannot be used leaves the old one in place and a line in the log.",
    },
    keyFile: { kind: "text", default: "", doc: "Its private key in PEM, without a password." },
  },
  ws: {
    path: {
      kind: "text",
      default: "",
      doc: "The only path of WebSocket handshakes, as /ws; others get 404. Empty: any.",
    },
    origins: {
      kind: "list",
      default: "",
      doc: "Web pages that may connect by WebSocket, as https://chat.example.com; those of another origin get 403. Clients that send no Origin are no browsers and may connect. Empty: any.",
    },
  },
  trustedProxies: {
    kind: "networks",
    default: "",
    doc: "Networks of your own proxies, as 10.0.0.0/8 fd00::/8. X-Forwarded-For and X-Real-IP of WebSocket handshakes are believed only from them, and PROXY headers.",
  },
  proxyProtocol: {
    kind: "boolean",
    default: "false",
    doc: "Every connection of TCP and WebSocket clients, with TLS or without, starts with a PROXY header (version 1 or 2) of one of trustedProxies; all others are closed. Off: such a header is no valid frame.",
  },
  httpAddr: { kind: "address", scheme: "http", default: "0.0.0.0:5001", doc: "The HTTP API, for your back end only." },
  manager: {
    on: {
      kind: "boolean",
      default: "true",
      doc: "The manager port: monitoring and browsing for operators, with a login.",
    },
    addr: { kind: "address", scheme: "http", default: "0.0.0.0:5300", doc: "Where the manager port listens." },
  },
  auth: {
    users: {
      kind: "accounts",
      default: "",
      doc: "Who may log in to the manager port: name:password:* or name:password:[resource:rw,other:r], where a resource may be *. Empty: the user admin, with a password that is made at the first start and kept in the file manager-password in dataDir.",
    },
  },
  jwt: {
    secret: {
      kind: "text",
      default: "",
      doc: "What logins to the manager port are signed with; 16 characters or more. Empty: made at the first start and kept in the file jwt-secret in dataDir. WuKongIM's own default is refused.",
    },
    expire: {
      kind: "duration",
      minMs: 1000,
      maxMs: 315_360_000_000,
      default: "720h",
      zeroIsUnset: true,
      doc: "How long a login lasts.",
    },
    issuer: { kind: "text", default: "wukongim", doc: "Who issues logins, as it stands in them." },
  },
  bench: {
    apiOn: {
      kind: "boolean",
      default: "false",
      doc: "Serves /bench/v1 on the HTTP API, with which the load generator wkbench makes tokens and groups. Only for tests.",
    },
  },
  drainTime: {
    kind: "duration",
    minMs: 0,
    default: "0s",
    doc: "When told to stop, the server goes on for this long while /readyz answers 503, so that load balancers send nobody new.",
  },
  tokenAuthOn: {
    kind: "boolean",
    default: "false",
    doc: "Clients must present the token that the back end set with /user/token. Off: anyone can connect as anyone.",
  },
  managerUID: {
    kind: "text",
    default: "____manager",
    doc: "The uid of the manager account.",
  },
  managerToken: {
    kind: "text",
    default: "",
    doc: "If set, every HTTP call needs it in the header `token` (or as `Authorization: Bearer`), it opens the manager port without a login, and the manager account needs it to connect. Empty: the HTTP API is open and nobody can connect as the manager.",
  },
  whitelistOffOfPerson: {
    kind: "boolean",
    default: "true",
    doc: "true: anyone may write to anyone. false: only who is on the receiver's allow list.",
  },
  disableEncryption: {
    kind: "boolean",
    default: "false",
    doc: "Payloads travel as plain text in the binary protocol. wukongimjssdk cannot connect then.",
  },
  disableCMDMessageSync: {
    kind: "boolean",
    default: "false",
    doc: "Offline commands are not handed out: /message/sync answers an empty list, /message/syncack does nothing.",
  },
  allowNoEncrypt: {
    kind: "boolean",
    default: "false",
    doc: "A message that its sender marks with Setting.NoEncrypt is taken as plain text although its connection has keys. What is pushed to others is encrypted as ever.",
  },
  disableJSONRPC: {
    kind: "boolean",
    default: "false",
    doc: "Clients cannot speak JSON-RPC, only the binary protocol.",
  },
  connIdleTime: {
    kind: "duration",
    minMs: 1000,
    default: "3m",
    zeroIsUnset: true,
    doc: "A connection from which nothing came for this long is closed.",
  },
  gateway: {
    workers: {
      kind: "integer-or-auto",
      min: 0,
      max: 64,
      default: "0",
      doc: "Threads that hold the clients' sockets: framing, codecs, keys, sealing. 0: the thread that does everything else holds them, too. auto: 0 on one or two cores, else one less than there are, at most 8. Linux and BSDs only; elsewhere 0.",
    },
  },
  customerService: {
    visitorsOn: {
      kind: "boolean",
      default: "false",
      doc: "Visitors (uids that end in visitorsSuffix) may connect without a token.",
    },
    visitorsSuffix: { kind: "text", default: "___vstr", doc: "What a visitor's uid ends in." },
  },
  external: {
    ip: {
      kind: "text",
      default: "",
      doc: "The address under which clients reach this server, for /route. Empty: taken from the request's Host header.",
    },
    tcpAddr: { kind: "text", default: "", doc: "host:port that /route gives out for TCP. Empty: derived." },
    wsAddr: { kind: "text", default: "", doc: "ws://host:port that /route gives out. Empty: derived." },
    wssAddr: { kind: "text", default: "", doc: "wss://host:port that /route gives out, as of a TLS proxy." },
  },
  intranet: {
    tcpAddr: { kind: "text", default: "", doc: "host:port that /route gives out for `intranet=1`. Empty: derived." },
  },
  messageRetry: {
    interval: {
      kind: "duration",
      minMs: 100,
      default: "60s",
      zeroIsUnset: true,
      doc: "A pushed message without RECVACK is pushed again after this long.",
    },
    scanInterval: {
      kind: "duration",
      minMs: 10,
      default: "5s",
      zeroIsUnset: true,
      doc: "How often the server looks for such messages.",
    },
    maxCount: {
      kind: "integer",
      min: 1,
      max: 1000,
      default: "5",
      zeroIsUnset: true,
      doc: "How many times a message is pushed again to one connection.",
    },
  },
  logger: {
    level: {
      kind: "integer",
      min: 0,
      max: 4,
      default: "0",
      doc: "0: by mode, 1: debug, 2: info, 3: warnings, 4: errors only.",
    },
    dir: {
      kind: "text",
      default: "",
      doc: "If set, log lines go to wukongim.log in this folder and not to standard error; SIGHUP opens the file again after a rotation.",
    },
  },
  metrics: {
    on: {
      kind: "boolean",
      default: "true",
      doc: "Answers GET /metrics for Prometheus (docs/metrics.md). Off: 404.",
    },
    token: {
      kind: "text",
      default: "",
      doc: "If set, /metrics needs the header `Authorization: Bearer …` with it, and no managerToken. Empty: it is as open as its port, so that managerToken counts on httpAddr.",
    },
    legacyNames: {
      kind: "boolean",
      default: "true",
      doc: "Also gives the numbers under the names that WuKongIM has for them, so that its dashboards go on.",
    },
  },
  rateLimit: {
    uidPerSecond: {
      kind: "integer",
      min: 0,
      max: 1_000_000_000,
      default: "50000",
      doc: "Messages that the sessions of one user may send per second; beyond, they are refused with reason 22. System accounts and the HTTP API are not counted. 0: no limit.",
    },
    uidBurst: {
      kind: "integer",
      min: 0,
      max: 1_000_000_000,
      default: "100000",
      doc: "How many of them may come at once after a pause. 0: as many as per second (for all of these keys).",
    },
    channelPerSecond: {
      kind: "integer",
      min: 0,
      max: 1_000_000_000,
      default: "0",
      doc: "Messages that one channel takes per second, whoever sends them, HTTP included (429); beyond, they are refused with reason 22. 0: no limit.",
    },
    channelBurst: { kind: "integer", min: 0, max: 1_000_000_000, default: "0", doc: "Its burst." },
    ipPerSecond: {
      kind: "integer",
      min: 0,
      max: 1_000_000_000,
      default: "0",
      doc: "Messages that clients of one IP address may send per second; beyond, they are refused with reason 22. Behind a proxy or a NAT all share an address. 0: no limit.",
    },
    ipBurst: { kind: "integer", min: 0, max: 1_000_000_000, default: "0", doc: "Its burst." },
    httpPerSecond: {
      kind: "integer",
      min: 0,
      max: 1_000_000_000,
      default: "0",
      doc: "HTTP requests per second from one IP address; beyond, they are answered with 429 and Retry-After. Behind a proxy all share its address. Probes and /metrics are not counted. 0: no limit.",
    },
    httpBurst: { kind: "integer", min: 0, max: 1_000_000_000, default: "0", doc: "Its burst." },
  },
  channel: {
    subscriberCompressOfCount: {
      kind: "integer",
      min: 0,
      max: 1_000_000_000,
      default: "0",
      doc: "msg.offline for more users than this carries them as gzip in compress_to_uids. 0: never.",
    },
    onlineCmdChannelId: {
      kind: "text",
      default: "systemcmdonline",
      doc: "Id of the channel for commands that go to everyone who is online.",
    },
  },
  cluster: {
    nodeId: {
      kind: "integer",
      min: 1,
      max: 1023,
      default: "1001",
      zeroIsUnset: true,
      doc: "Part of every message id and of CONNACK. Two servers must not share one.",
    },
  },
  webhook: {
    httpAddr: {
      kind: "url",
      default: "",
      doc: "Where events are posted to, as https://api.example.com/webhook; a query in it is kept. Empty: nowhere.",
    },
    grpcAddr: {
      kind: "address",
      scheme: "grpc",
      default: "off",
      doc: "host:port of a receiver that takes events by gRPC (wkhook.WebhookService); then httpAddr is not used.",
    },
    secret: {
      kind: "text",
      default: "",
      doc: "If set, every event is signed with it: the header webhook-signature, as in the Standard Webhooks convention. Text, or `whsec_` and base64; two, separated by a blank, while one is replaced by the other.",
    },
    focusEvents: {
      kind: "list",
      default: "",
      doc: "Only these events are sent, as msg.notify, msg.offline, user.onlinestatus. Empty: all.",
    },
    msgNotifyEventPushInterval: {
      kind: "duration",
      minMs: 1,
      default: "500ms",
      zeroIsUnset: true,
      doc: "How long a message waits for others that go to the receiver in the same msg.notify.",
    },
    msgNotifyEventCountPerPush: {
      kind: "integer",
      min: 1,
      max: 10_000,
      default: "100",
      zeroIsUnset: true,
      doc: "Most messages in one msg.notify; so many do not wait.",
    },
    msgNotifyEventRetryMaxCount: {
      kind: "integer",
      min: 1,
      max: 1000,
      default: "5",
      zeroIsUnset: true,
      doc: "So often an event is sent to a receiver that refuses it; then it is a dead letter. To a receiver that is down it is sent until it is taken.",
    },
    retryIntervalMax: {
      kind: "duration",
      minMs: 100,
      default: "30s",
      doc: "Longest pause between two tries; the first one is half a second.",
    },
    lagAlarm: {
      kind: "duration",
      minMs: 1000,
      default: "5m",
      doc: "A message that has waited so long for the receiver brings a warning in the log.",
    },
    offlineGrace: {
      kind: "duration",
      minMs: 0,
      default: "15s",
      doc: "After a restart apps have this long to connect again: before, nobody is told by msg.offline or reported offline for having been connected.",
    },
    offlineUnackedAfter: {
      kind: "duration",
      minMs: 0,
      default: "0s",
      doc: "Who has master devices online, none of which acknowledges a message for so long, is told of by msg.offline after all: an app in the background keeps its socket and shows nothing. 0: who is online is never told of. At best: not across a restart, and beyond limits.webhookUnackedMax not at all.",
    },
    offlineAgeMax: {
      kind: "duration",
      minMs: 0,
      default: "24h",
      doc: "Nobody is told by msg.offline of a message that is older when its turn comes, after a long time without a receiver. 0: whatever its age.",
    },
  },
  agent: {
    webhook: {
      httpAddr: {
        kind: "url",
        default: "",
        doc: "msg.notify of agent channels (type 11) goes here, and not to webhook.httpAddr. Empty: to webhook.httpAddr.",
      },
    },
  },
  datasource: {
    addr: {
      kind: "url",
      default: "",
      doc: "URL of the back end that is asked for the system accounts (getSystemUIDs) and for what the keys below turn on. Empty: nobody is asked.",
    },
    channelInfoOn: {
      kind: "boolean",
      default: "false",
      doc: "getChannelInfo: the datasource says whether a channel is banned, disbanded or large.",
    },
    subscribersOn: {
      kind: "boolean",
      default: "false",
      doc: "getSubscribers: the members of a channel are those that the datasource names; others lose their membership.",
    },
    blacklistOn: { kind: "boolean", default: "false", doc: "getBlacklist: the deny lists of channels and persons." },
    whitelistOn: { kind: "boolean", default: "false", doc: "getWhitelist: their allow lists." },
    channelTypes: {
      kind: "list",
      default: "",
      doc: "Numbers of the channel types that the datasource knows, as `1 2`; 1 stands for the lists of persons. Empty: all.",
    },
    timeout: { kind: "duration", minMs: 100, default: "3s", doc: "How long an answer may take; a send waits for it." },
    cacheTime: {
      kind: "duration",
      minMs: 0,
      default: "1m",
      doc: "How long an answer counts before the next send asks again.",
    },
    staleTime: {
      kind: "duration",
      minMs: 0,
      default: "1h",
      doc: "How long the last answer counts while no new one can be had. Beyond, sends are refused with reason 15 (HTTP 503), which clients try again.",
    },
  },
  conversation: {
    showSystem: { kind: "boolean", default: "false", doc: "Lists the chat with the account ____system." },
    countAll: {
      kind: "boolean",
      default: "false",
      doc: "Unread counts every message, as WuKongIM does, and not only those with a red dot.",
    },
  },
} as const;

export type Config = ConfigOf<typeof FIELDS> & { readonly limits: ConfigOf<typeof LIMITS> };

export const SCHEMA: FieldTree = { ...FIELDS, limits: LIMITS };
