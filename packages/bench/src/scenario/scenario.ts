/** What is measured, as data. The files in `scenarios/` are these objects in YAML; `parseScenario` gives the defaults. */

export type Transport = "tcp" | "tls" | "ws" | "wss";
/** `bySetting`: the session has keys, but each SEND carries Setting.NoEncrypt. `off` needs a server without encryption. */
export type Encryption = "on" | "off" | "bySetting";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Why it exists, for the report. */
  readonly about: string;
  readonly transport: Transport;
  /** Protocol version of CONNECT. */
  readonly version: 2 | 5 | 6;
  readonly encryption: Encryption;
  /** Every user logs in with a token that was set over HTTP before. */
  readonly tokens: boolean;
  /** Settings of the server where the bench starts it, as dotted keys of its file. */
  readonly server: Readonly<Record<string, string | number | boolean>>;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly work: Work;
  /** Bounds of figures; those that are missed are told. */
  readonly goals: readonly Goal[];
  /** Figures of WuKongIM v2.2.5, of another day and run, for ratios. */
  readonly original: Readonly<Record<string, number>>;
}

export interface Goal {
  readonly figure: string;
  readonly min?: number;
  readonly max?: number;
}

export type Work =
  | TrafficWork
  | CrashWork
  | OverloadWork
  | GrowthWork
  | RestartWork
  | LoginWork
  | IdleWork
  | HttpSendWork
  | ConversationSyncWork;

/** SENDs and RECVs over sockets. */
export interface TrafficWork {
  readonly kind: "traffic";
  readonly flows: readonly Flow[];
  readonly verification: boolean;
  /** Afterwards the bench's own server is started again and left alone until its files no longer change. */
  readonly settleDisk: boolean;
}

/** kill -9 under load; every acknowledged message must be in the history after the restart. */
export interface CrashWork {
  readonly kind: "crash";
  readonly flows: readonly Flow[];
}

/** The peak in a closed loop, then `factor` times as much offered, then the time until a lone message is quick again. */
export interface OverloadWork {
  readonly kind: "overload";
  readonly flows: readonly Flow[];
  readonly factor: number;
  readonly peakSeconds: number;
}

/** The same traffic at several sizes of the data, on one server. */
export interface GrowthWork {
  readonly kind: "growth";
  readonly senders: number;
  readonly window: number;
  readonly payload: readonly PayloadShare[];
  readonly steps: readonly { readonly channels: number; readonly stored: number }[];
}

/** From the start of the process to the first acknowledged message. */
export interface RestartWork {
  readonly kind: "restart";
  readonly stored: number;
  readonly channels: number;
  readonly signal: "SIGTERM" | "SIGKILL";
}

export interface LoginWork {
  readonly kind: "logins";
  readonly users: number;
  /** Logins under way at a time. */
  readonly concurrency: number;
}

/** Connections that only are there: memory each. */
export interface IdleWork {
  readonly kind: "idle";
  readonly connections: number;
}

/** POST /message/send. */
export interface HttpSendWork {
  readonly kind: "httpSend";
  readonly concurrency: number;
  /** Person channels that take turns. */
  readonly channels: number;
  readonly payloadBytes: number;
}

/** POST /conversation/sync. */
export interface ConversationSyncWork {
  readonly kind: "conversationSync";
  readonly concurrency: number;
  /** Users that take turns. */
  readonly users: number;
  readonly chats: number;
  /** msg_count. */
  readonly recents: number;
  /** Every chat's last seq is told, so nothing is new. */
  readonly nothingNew: boolean;
  readonly payloadBytes: number;
}

/** Channels of one kind, their members, and how they are written to. One sending user writes to one channel. */
export interface Flow {
  readonly name: string;
  /** `newPerson`: every message is the first to somebody new. `persons`: a sender goes round his `peers`, all offline. */
  readonly channel: "person" | "group" | "newPerson" | "persons";
  /** Pairs, groups or senders. */
  readonly count: number;
  /** Of each group, senders and online readers included. */
  readonly members: number;
  /** Members of each group with a connection, besides the senders. */
  readonly online: number;
  /** Of `online`, those that never read. */
  readonly stalled: number;
  /** Of each group. */
  readonly senders: number;
  /** `persons`: receivers of each sender. */
  readonly peers: number;
  /** Closed loop: SENDs in flight of each sender. 0: open loop. */
  readonly window: number;
  /** When a SEND leaves the window: when it is acknowledged, or when a reader of the channel has it, too. */
  readonly inFlightUntil: "acknowledged" | "delivered";
  /** Open loop: messages a second of the whole flow. */
  readonly perSecond: number;
  /** Open loop: what is due while a sender has so many unanswered is not sent but counted as shed. */
  readonly inFlightMax: number;
  readonly payload: readonly PayloadShare[];
  /** Every RECV is answered with RECVACK. */
  readonly recvacks: boolean;
}

export interface PayloadShare {
  readonly bytes: number;
  /** Of the messages, 0 to 1. */
  readonly share: number;
}
