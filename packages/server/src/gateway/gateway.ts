/**
 * The gateway: listeners, the connections by session id, their limits, and the one sweep over all of them. It is the
 * `Outbound` of delivery. What one connection does is in connection.ts.
 */

import { Reason } from "@wukong-ts/protocol";
import type { Sealer } from "@wukong-ts/sealing";
import type { LiveConnection, LiveConnections, Traffic } from "../delivery/live-connections.ts";
import type { Outbound } from "../delivery/outbound.ts";
import type { PendingAcks } from "../delivery/pending-acks.ts";
import { isToldOfKick, type Presence } from "../delivery/presence.ts";
import type { Session } from "../delivery/session.ts";
import type { SessionTrail } from "../delivery/session-trail.ts";
import type { CommandReceipts } from "../messaging/commands.ts";
import type { IdGenerator } from "../messaging/ids.ts";
import type { StoredMessage } from "../messaging/message.ts";
import type { RefusalTrail } from "../messaging/refusals.ts";
import type { Sending } from "../messaging/send.ts";
import type { TokenBuckets } from "../messaging/token-buckets.ts";
import type { Users } from "../messaging/users.ts";
import type { HistogramSnapshot } from "../observe/histogram.ts";
import type { Listener, Socket, SocketEvents, Timer, TlsCertificate, World } from "../world/world.ts";
import { type CloseCounts, type CloseReason, createCloseCounts } from "./close-reasons.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { EndOfTurn } from "./end-of-turn.ts";
import { type ConnectCounts, GatewayCounters, type SessionCount } from "./gateway-counters.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import { OutboxFlush } from "./outbox-flush.ts";
import { type RecvSource, recvSource } from "./recv-frames.ts";

export interface GatewayDeps {
  readonly world: Pick<World, "clock" | "timers" | "random" | "network">;
  readonly users: Pick<Users, "login">;
  readonly sending: Sending;
  readonly presence: Presence;
  readonly acks: Pick<PendingAcks, "acked" | "forget">;
  readonly commands: CommandReceipts;
  readonly trail: SessionTrail & RefusalTrail;
  /** Names the SENDs that are refused before messaging sees them. */
  readonly ids: Pick<IdGenerator, "next">;
  readonly sealer: Sealer;
  /** How fast SENDs may come from one address; without it as fast as they like. */
  readonly perIp?: TokenBuckets | undefined;
  readonly options: GatewayOptions;
  /** For the log: something that should not have thrown did. The connection concerned is closed. */
  readonly failed: (error: unknown) => void;
  /** For the log: why a connection has ended. `uid` is empty before the login. */
  readonly closed: (reason: CloseReason, uid: string, ip: string) => void;
}

interface PlainAddress {
  readonly host: string;
  readonly port: number;
}

interface TlsAddress extends PlainAddress {
  readonly certificate: TlsCertificate;
}

interface GatewayAddresses {
  readonly tcp?: PlainAddress;
  readonly tls?: TlsAddress;
  readonly websocket?: PlainAddress;
  readonly wss?: TlsAddress;
}

type ListenerName = keyof GatewayAddresses;

/** Plain data, so it may cross threads; all but the largest outbox adds up. */
export interface GatewayStats {
  readonly connections: number;
  readonly sessions: number;
  readonly sessionsBy: readonly SessionCount[];
  readonly unansweredSends: number;
  readonly accepted: number;
  readonly connects: ConnectCounts;
  readonly closes: Readonly<CloseCounts>;
  /** By packet type; 0: what was no packet, and errors. Out: queued to be written. */
  readonly framesIn: readonly number[];
  readonly bytesIn: readonly number[];
  readonly framesOut: readonly number[];
  readonly bytesOut: readonly number[];
  /** By reason. */
  readonly sendacks: readonly number[];
  /** Of one SEND at a time. */
  readonly sendackSeconds: HistogramSnapshot;
  /** Output that waits, of all connections and of the one with the most. */
  readonly outboxBytes: number;
  readonly outboxLargestBytes: number;
}

export interface Gateway {
  /** Rejects when an address cannot be taken or a certificate not be used; what was opened is closed again. */
  start(addresses: GatewayAddresses): Promise<void>;
  /** Takes nothing new, waits for the answers of what was accepted, and closes all connections. Idempotent. */
  stop(): Promise<void>;
  readonly outbound: Outbound;
  readonly live: LiveConnections;
  /** The ports that were really taken. */
  readonly ports: { readonly [Name in ListenerName]?: number };
  /** For connections from now on. Throws `BadCertificate`, and the old one stays. */
  replaceCertificate(name: "tls" | "wss", certificate: TlsCertificate): void;
  stats(): GatewayStats;
}

/** As many as fan-out walks together. */
const SOURCES_KEPT = 16;
/** After `stop` closed a socket politely it is cut. */
const STOP_FLUSH_MS = 1_000;
const TRANSPORTS: Readonly<Record<ListenerName, "tcp" | "websocket">> = {
  tcp: "tcp",
  tls: "tcp",
  websocket: "websocket",
  wss: "websocket",
};
const LISTENER_NAMES = ["tcp", "tls", "websocket", "wss"] as const;
const KICK_TEXT = "login in other device";
const IGNORED: SocketEvents = { bytes: () => undefined, drained: () => undefined, closed: () => undefined };

export function createGateway(deps: GatewayDeps): Gateway {
  return new ConnectionOwner(deps);
}

class ConnectionOwner implements Gateway, ConnectionHost, Outbound, LiveConnections {
  readonly world: GatewayDeps["world"];
  readonly options: GatewayOptions;
  readonly connectRules: ConnectionHost["connectRules"];
  readonly sending: Sending;
  readonly presence: Presence;
  readonly acks: GatewayDeps["acks"];
  readonly commands: CommandReceipts;
  readonly trail: GatewayDeps["trail"];
  readonly ids: GatewayDeps["ids"];
  readonly turns: EndOfTurn;
  readonly flush: OutboxFlush;
  readonly sealer: Sealer;
  readonly perIp: TokenBuckets | undefined;
  readonly counters: GatewayCounters = new GatewayCounters();
  readonly outbound: Outbound = this;
  readonly live: LiveConnections = this;
  readonly #failed: (error: unknown) => void;
  readonly #closed: GatewayDeps["closed"];
  readonly #connections = new Map<number, Connection>();
  readonly #countPerIp = new Map<string, number>();
  readonly #listeners = new Map<ListenerName, Listener>();
  readonly #closes = createCloseCounts();
  /** Of the last messages. */
  readonly #sources: RecvSource[] = [];
  #nextSource = 0;
  /** Of the connections that have ended. */
  readonly #pastTraffic = {
    inMessages: 0,
    inMessageBytes: 0,
    inPacketBytes: 0,
    outMessages: 0,
    outMessageBytes: 0,
    outPacketBytes: 0,
  };
  #nextId = 1;
  #accepted = 0;
  #unansweredSends = 0;
  #sweepTimer: Timer | undefined;
  #stopping: Promise<void> | undefined;
  /** What `stop` waits for. */
  #awaited: { isMet(): boolean; resolve(): void } | undefined;

  constructor(deps: GatewayDeps) {
    this.world = deps.world;
    this.options = deps.options;
    this.connectRules = {
      users: deps.users,
      random: deps.world.random,
      disableEncryption: deps.options.disableEncryption,
    };
    this.sending = deps.sending;
    this.presence = deps.presence;
    this.acks = deps.acks;
    this.commands = deps.commands;
    this.trail = deps.trail;
    this.ids = deps.ids;
    this.#failed = deps.failed;
    this.#closed = deps.closed;
    this.sealer = deps.sealer;
    this.perIp = deps.perIp;
    this.turns = new EndOfTurn(deps.world.timers, deps.failed);
    this.flush = new OutboxFlush(this.turns, deps.sealer);
  }

  // ---- Gateway

  async start(addresses: GatewayAddresses): Promise<void> {
    this.#armSweep();
    try {
      for (const name of LISTENER_NAMES) {
        const at: PlainAddress | TlsAddress | undefined = addresses[name];
        if (at === undefined) continue;
        const listener = await this.world.network.listen(
          {
            ...this.options.transports,
            ...("certificate" in at ? { tls: at.certificate } : {}),
            transport: TRANSPORTS[name],
            host: at.host,
            port: at.port,
            messageBytesMax: this.options.webSocketMessageBytesMax,
            handshakeTimeoutMs: this.options.unauthenticatedMs,
            handshakesMax: this.options.connectionsMax,
          },
          (socket) => this.#accept(socket),
        );
        this.#listeners.set(name, listener);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get ports(): Gateway["ports"] {
    return Object.fromEntries(Array.from(this.#listeners, ([name, listener]) => [name, listener.port]));
  }

  replaceCertificate(name: "tls" | "wss", certificate: TlsCertificate): void {
    this.#listeners.get(name)?.replaceCertificate?.(certificate);
  }

  stats(): GatewayStats {
    const { counters } = this;
    let outboxBytes = 0;
    let outboxLargestBytes = 0;
    for (const { pendingBytes } of this.#connections.values()) {
      outboxBytes += pendingBytes;
      outboxLargestBytes = Math.max(outboxLargestBytes, pendingBytes);
    }
    return {
      connections: this.#connections.size,
      sessions: this.presence.count,
      sessionsBy: counters.sessions,
      unansweredSends: this.#unansweredSends,
      accepted: this.#accepted,
      connects: counters.connects,
      closes: { ...this.#closes },
      framesIn: [...counters.framesIn],
      bytesIn: [...counters.bytesIn],
      framesOut: [...counters.framesOut],
      bytesOut: [...counters.bytesOut],
      sendacks: [...counters.sendacks],
      sendackSeconds: counters.sendackSeconds,
      outboxBytes,
      outboxLargestBytes,
    };
  }

  // ---- Outbound

  recv(message: StoredMessage, to: readonly number[]): void {
    const source = this.#sourceOf(message);
    for (const id of to) this.#connections.get(id)?.recv(source);
  }

  disconnect(to: readonly number[], reason: number | null, text: string, closeAfterMs: number): void {
    for (const id of to) this.#connections.get(id)?.kick(reason, text, closeAfterMs);
  }

  // ---- LiveConnections

  get socketCount(): number {
    return this.#connections.size;
  }

  connection(sessionId: number): LiveConnection | undefined {
    return this.#connections.get(sessionId)?.snapshot(this.world.clock.monotonicMs());
  }

  *connections(): Iterable<LiveConnection> {
    for (const connection of this.#connections.values()) {
      const snapshot = connection.snapshot(this.world.clock.monotonicMs());
      if (snapshot !== undefined) yield snapshot;
    }
  }

  traffic(): Traffic {
    const sum = { ...this.#pastTraffic };
    for (const connection of this.#connections.values()) connection.addTrafficTo(sum);
    return sum;
  }

  // ---- ConnectionHost

  kicked(sessions: readonly Session[], by: Session): void {
    for (const session of sessions) {
      const reason = isToldOfKick(session, by) ? Reason.connectKick : null;
      this.#connections.get(session.id)?.kick(reason, KICK_TEXT, this.options.kickCloseMs);
    }
  }

  unanswered(count: number): void {
    this.#unansweredSends += count;
    this.#wake();
  }

  closed(connection: Connection, reason: CloseReason): void {
    this.#connections.delete(connection.id);
    connection.addTrafficTo(this.#pastTraffic);
    this.#closes[reason]++;
    this.#closed(reason, connection.session?.uid ?? "", connection.ip);
    const left = (this.#countPerIp.get(connection.ip) ?? 1) - 1;
    if (left === 0) this.#countPerIp.delete(connection.ip);
    else this.#countPerIp.set(connection.ip, left);
    this.#wake();
  }

  failed(error: unknown): void {
    this.#failed(error);
  }

  // ---- inside

  /** A message that goes out in slices is made ready once for all of them. */
  #sourceOf(message: StoredMessage): RecvSource {
    for (const source of this.#sources) if (source.message === message) return source;
    const source = recvSource(message);
    this.#sources[this.#nextSource] = source;
    this.#nextSource = (this.#nextSource + 1) % SOURCES_KEPT;
    return source;
  }

  #accept(socket: Socket): void {
    this.#accepted++;
    const refusal = this.#refusal(socket.remote.ip);
    if (refusal !== undefined) {
      this.#closes[refusal]++;
      this.#closed(refusal, "", socket.remote.ip);
      socket.bind(IGNORED);
      socket.close("now");
      return;
    }
    const connection = new Connection(this.#nextId++, socket, this);
    this.#connections.set(connection.id, connection);
    this.#countPerIp.set(connection.ip, (this.#countPerIp.get(connection.ip) ?? 0) + 1);
    socket.bind(connection);
  }

  #refusal(ip: string): CloseReason | undefined {
    if (this.#stopping !== undefined) return "server_stopping";
    if (this.#connections.size >= this.options.connectionsMax) return "too_many_connections";
    if ((this.#countPerIp.get(ip) ?? 0) >= this.options.connectionsPerIpMax) return "too_many_connections_from_ip";
    return undefined;
  }

  #armSweep(): void {
    this.#sweepTimer = this.world.timers.after(this.options.sweepMs, () => {
      const nowMs = this.world.clock.monotonicMs();
      for (const connection of this.#connections.values()) connection.sweep(nowMs);
      this.#armSweep();
    });
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    for (const connection of this.#connections.values()) connection.drain();
    await this.#until(() => this.#unansweredSends === 0, this.options.stopAnswersMs);
    for (const connection of this.#connections.values()) connection.close("server_stopping", "after-flush");
    await this.#until(() => this.#connections.size === 0, STOP_FLUSH_MS);
    for (const connection of this.#connections.values()) connection.close("server_stopping", "now");
    this.#sweepTimer?.cancel();
  }

  /** Until it is met, or the time is over. */
  #until(isMet: () => boolean, delayMs: number): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#awaited = undefined;
        resolve();
      };
      const timer = this.world.timers.after(delayMs, done);
      this.#awaited = { isMet, resolve: done };
    });
  }

  #wake(): void {
    if (this.#awaited?.isMet() === true) this.#awaited.resolve();
  }
}
