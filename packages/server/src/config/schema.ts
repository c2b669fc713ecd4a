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
    doc: "If set, every HTTP call needs it in the header `token`, and the manager account needs it to connect. Empty: the HTTP API is open and nobody can connect as the manager.",
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
  channel: {
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
