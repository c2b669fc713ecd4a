/**
 * For the tests of gateway and delivery: what is outside of them, driven by hand. A clock and timers that only move when
 * told, sockets whose other end is the test, a `Sending` that answers when told, and a client that speaks the protocol.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import {
  type Connack,
  type Connect,
  createSessionCipher,
  encodeFrame,
  type Frame,
  FrameDecoder,
  PacketType,
  type Send,
  type SessionCipher,
  sessionKey,
} from "@wukong-ts/protocol";
import { createSealer } from "@wukong-ts/sealing";
import type { PendingAcks, Position } from "../delivery/pending-acks.ts";
import { Presence } from "../delivery/presence.ts";
import { IdGenerator } from "../messaging/ids.ts";
import type { MessageId, StoredMessage } from "../messaging/message.ts";
import type { Sending, SendRequest, SendResult, SendSink } from "../messaging/send.ts";
import { type BucketRate, TokenBuckets } from "../messaging/token-buckets.ts";
import type { LoginRequest, LoginVerdict } from "../messaging/users.ts";
import type { Clock, ListenAt, Listener, Random, Socket, SocketEvents, Timer, Timers } from "../world/world.ts";
import { createGateway, type LocalGateway } from "./gateway.ts";
import { GATEWAY_DEFAULTS, type GatewayOptions } from "./gateway-options.ts";
import { LocalCore, type LocalCoreDeps } from "./local-core.ts";

export class HandTime implements Clock, Timers {
  #nowMs = 1_800_000_000_000;
  readonly #startMs = this.#nowMs;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];
  #soon: (() => void)[] = [];

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** Time passes without any timer having a chance. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** The end of one turn of the event loop. */
  turn(): void {
    const due = this.#soon;
    this.#soon = [];
    for (const run of due) run();
  }

  /** Turns until nothing is left to do. */
  settle(): void {
    for (let turns = 0; this.#soon.length > 0; turns++) {
      if (turns === 100_000) throw new Error("there is always something left to do");
      this.turn();
    }
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    this.settle();
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      this.settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Not random at all, but never the same twice. */
export class CountedRandom implements Random {
  #state = 1;

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.uint32() >>> 24);
  }

  uint32(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state;
  }
}

export class HandSocket implements Socket {
  readonly remote: { readonly ip: string; readonly port: number };
  readonly keepsBoundaries: boolean;
  isText = false;
  bufferedBytes = 0;
  /** Each write with its buffers. */
  readonly writes: (readonly Uint8Array[])[] = [];
  isPaused = false;
  closing: "after-flush" | "now" | undefined;
  isClosed = false;
  /** Takes nothing: what is written stays in the socket. */
  isStuck = false;
  #events: SocketEvents | undefined;
  readonly #time: HandTime;

  constructor(time: HandTime, ip: string, transport: "tcp" | "websocket") {
    this.#time = time;
    this.remote = { ip, port: 40_000 };
    this.keepsBoundaries = transport === "websocket";
  }

  bind(events: SocketEvents): void {
    this.#events = events;
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.closing !== undefined) throw new Error("written after close");
    this.writes.push([...buffers]);
    if (this.isStuck) for (const buffer of buffers) this.bufferedBytes += buffer.length;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(how: "after-flush" | "now"): void {
    if (this.isClosed || this.closing === "now") return;
    this.closing = how;
    if (how === "now" || !this.isStuck) this.#time.soon(() => this.#gone());
  }

  /** The other end sends. */
  receive(bytes: Uint8Array): void {
    if (this.closing === undefined) this.#events?.bytes(bytes);
  }

  /** The other end reads all there is. */
  drain(): void {
    this.isStuck = false;
    this.bufferedBytes = 0;
    this.#events?.drained();
  }

  /** The other end goes away. */
  hangUp(): void {
    this.closing ??= "now";
    this.#gone();
  }

  #gone(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#events?.closed();
  }
}

/** Keeps every batch until the test answers it. */
export class HandSending implements Sending {
  readonly batches: (readonly SendRequest[])[] = [];
  readonly #waiting: { readonly request: SendRequest; readonly sink: SendSink }[] = [];
  /** Answers while `send` runs, as refusals do. */
  answersAtOnce: ((request: SendRequest) => SendResult) | undefined;

  send(requests: readonly SendRequest[], sink: SendSink): void {
    this.batches.push(requests);
    for (const request of requests) {
      if (this.answersAtOnce === undefined) this.#waiting.push({ request, sink });
      else sink.answered(request, this.answersAtOnce(request));
    }
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Answers the oldest `count`. */
  answer(count: number, result: SendResult = { reason: 1, id: { high: 7, low: 9 }, seq: 1, repeated: false }): void {
    for (const { request, sink } of this.#waiting.splice(0, count)) sink.answered(request, result);
  }
}

export interface Bench {
  readonly time: HandTime;
  readonly gateway: LocalGateway;
  readonly presence: Presence;
  readonly sending: HandSending;
  readonly acks: { readonly acked: string[]; readonly forgotten: number[] };
  /** What is waited for, by the low word of the id; and the commands that were received: "uid channel seq" or "uid id". */
  readonly waitedFor: Map<number, Position>;
  readonly receivedCommands: string[];
  readonly failures: unknown[];
  /** What the trail was told, as text. */
  readonly trail: string[];
  readonly listeningAt: ListenAt[];
  /** What `users.login` answers; every login is welcome as slave unless changed. */
  login: (request: LoginRequest) => LoginVerdict;
  readonly open: (options?: { readonly transport?: "tcp" | "websocket"; readonly ip?: string }) => HandSocket;
  readonly client: (options?: { readonly transport?: "tcp" | "websocket"; readonly ip?: string }) => TestClient;
}

export const NO_TRAIL: LocalCoreDeps["trail"] = {
  opened: () => undefined,
  left: () => undefined,
  loginFailed: () => undefined,
  refused: () => undefined,
};

/** `rate`: of SENDs from one address. */
export async function startBench(options: Partial<GatewayOptions> = {}, rate?: BucketRate): Promise<Bench> {
  const time = new HandTime();
  const presence = new Presence();
  const sending = new HandSending();
  const acked: string[] = [];
  const forgotten: number[] = [];
  const waitedFor = new Map<number, Position>();
  const receivedCommands: string[] = [];
  const failures: unknown[] = [];
  const trail: string[] = [];
  const listeningAt: ListenAt[] = [];
  let accept: (socket: Socket) => void = () => undefined;
  const listen = (at: ListenAt, accepted: (socket: Socket) => void): Promise<Listener> => {
    listeningAt.push(at);
    accept = accepted;
    return Promise.resolve({ port: 5000 + listeningAt.length, close: () => Promise.resolve() });
  };
  const acks: Pick<PendingAcks, "acked" | "forget"> = {
    acked(sessionId, id, seq) {
      acked.push(`${sessionId} ${id.high}/${id.low} ${seq}`);
      return waitedFor.get(id.low);
    },
    forget: (sessionId) => void forgotten.push(sessionId),
  };
  const random = new CountedRandom();
  const allOptions = { ...GATEWAY_DEFAULTS, ...options };
  const core = new LocalCore({
    users: { login: (request) => bench.login(request) },
    sending,
    presence,
    acks,
    commands: {
      received: (uid, channel, seq) => void receivedCommands.push(`${uid} ${channel.id} ${seq}`),
      receivedById: (uid, id) => void receivedCommands.push(`${uid} ${id.high}/${id.low}`),
    },
    trail: {
      opened: ({ uid, id }) => void trail.push(`opened ${uid} ${id}`),
      left: ({ uid, id }, reason) => void trail.push(`left ${uid} ${id} ${reason}`),
      loginFailed: (uid, flag, reason) => void trail.push(`login ${uid} ${flag} ${reason}`),
      refused: ({ fromUid, clientMsgNo }, _, reason, rule) =>
        void trail.push(`refused ${fromUid} ${clientMsgNo} ${reason} ${rule}`),
    },
    ids: new IdGenerator(time, 1001),
    perIp: rate && new TokenBuckets(time, { ...rate, countMax: 100 }),
    failed: (error) => void failures.push(error),
    closed: () => undefined,
    options: allOptions,
  });
  const gateway = createGateway({
    world: { clock: time, timers: time, random, network: { listen } },
    core,
    sealer: createSealer(),
    options: allOptions,
  });
  await gateway.start({ tcp: { host: "127.0.0.1", port: 0 }, websocket: { host: "127.0.0.1", port: 0 } });
  const bench: Bench = {
    time,
    gateway,
    presence,
    sending,
    acks: { acked, forgotten },
    waitedFor,
    receivedCommands,
    failures,
    trail,
    listeningAt,
    login: () => ({ reason: 1, level: "slave" }),
    open({ transport = "websocket", ip = "10.0.0.1" } = {}) {
      const socket = new HandSocket(time, ip, transport);
      accept(socket);
      return socket;
    },
    client: (how) => new TestClient(time, bench.open(how)),
  };
  return bench;
}

const CLIENT_PRIVATE = Buffer.from("0123456789abcdef0123456789abcdef");
const CLIENT_KEY = "hlF7wMOf6Ha3ZGy1407gPa9xzLrWdFDBapcK2MvAPn4=";

export class TestClient {
  readonly socket: HandSocket;
  readonly #time: HandTime;
  readonly #decoder = new FrameDecoder({ frameBytesMax: 1 << 21 });
  #version = 5;
  #cipher: SessionCipher | undefined;
  #readWrites = 0;
  #clientSeq = 0;

  constructor(time: HandTime, socket: HandSocket) {
    this.#time = time;
    this.socket = socket;
  }

  static connectFrame(connect: Partial<Connect> = {}): Connect {
    return {
      type: PacketType.connect,
      version: 5,
      deviceFlag: 0,
      deviceId: "device",
      uid: "u1",
      token: "",
      clientTimestamp: 0n,
      clientKey: CLIENT_KEY,
      ...connect,
    };
  }

  /** What the server wrote since the last look, the end of the turn included. */
  frames(): Frame[] {
    this.#time.settle();
    const frames: Frame[] = [];
    for (const buffers of this.socket.writes.slice(this.#readWrites)) {
      for (const buffer of buffers) this.#decoder.push(buffer);
      for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) frames.push(frame);
    }
    this.#readWrites = this.socket.writes.length;
    return frames;
  }

  write(...frames: readonly Frame[]): void {
    this.socket.receive(Buffer.concat(frames.map((frame) => encodeFrame(frame, this.#version))));
  }

  /** Sends CONNECT and answers the CONNACK; undefined when none came. */
  connect(connect: Partial<Connect> = {}): Connack | undefined {
    const frame = TestClient.connectFrame(connect);
    this.#version = frame.version > 6 ? 5 : frame.version;
    this.#decoder.version = this.#version;
    this.write(frame);
    const connack = this.frames().find((answer): answer is Connack => answer.type === PacketType.connack);
    if (connack !== undefined && connack.serverKey !== "") this.#cipher = clientCipher(connack);
    return connack;
  }

  /** An encrypted SEND, or a plain one when no keys were agreed. */
  sendFrame(send: Partial<Send> & { readonly text?: string } = {}): Send {
    const { text = "hello", ...fields } = send;
    const plain = new TextEncoder().encode(text);
    const frame: Send = {
      type: PacketType.send,
      flags: 2,
      setting: 0,
      clientSeq: ++this.#clientSeq,
      clientMsgNo: `no-${this.#clientSeq}`,
      channelId: "u2",
      channelType: 1,
      expire: 0,
      msgKey: "",
      topic: "",
      payload: this.#cipher === undefined ? plain : this.#cipher.encrypt(plain),
      ...fields,
    };
    if (this.#cipher === undefined || fields.msgKey !== undefined) return frame;
    const sign = `${frame.clientSeq}${frame.clientMsgNo}${frame.channelId}${frame.channelType}`;
    return {
      ...frame,
      msgKey: this.#cipher.msgKey(Buffer.concat([new TextEncoder().encode(sign), frame.payload])),
    };
  }

  /** The plain text of a RECV. */
  textOf(payload: Uint8Array): string {
    const plain = this.#cipher === undefined ? payload : this.#cipher.decrypt(payload);
    if (plain === undefined) throw new Error("not encrypted with the session's key");
    return new TextDecoder().decode(plain);
  }
}

/** Made with node:crypto alone, apart from the server's own agreement. */
function clientCipher(connack: Connack): SessionCipher {
  const jwk = { kty: "OKP", crv: "X25519" };
  const x = Buffer.from(CLIENT_KEY, "base64").toString("base64url");
  const privateKey = createPrivateKey({ key: { ...jwk, x, d: CLIENT_PRIVATE.toString("base64url") }, format: "jwk" });
  const serverKey = Buffer.from(connack.serverKey, "base64").toString("base64url");
  const publicKey = createPublicKey({ key: { ...jwk, x: serverKey }, format: "jwk" });
  const key = sessionKey(diffieHellman({ privateKey, publicKey }));
  return createSessionCipher(key, new TextEncoder().encode(connack.salt));
}

function messageId(low: number): MessageId {
  return { high: 465_661, low };
}

export function storedMessage(message: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: messageId(1),
    seq: 1,
    countedTotal: 1,
    timeSeconds: 1_767_225_600,
    channel: { type: 2, id: "g" },
    log: "chat",
    fromUid: "u1",
    clientMsgNo: "no-1",
    session: 0,
    flags: 2,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: new TextEncoder().encode("hello"),
    ...message,
  };
}
