/**
 * The gateway: listeners, the connections by session id, their limits, and the one sweep over all of them. It is the
 * `Outbound` of delivery. What one connection does is in connection.ts.
 */

import type { Sealer } from "@wukong-ts/sealing";
import {
  type ConnectionPage,
  type LiveConnection,
  type LiveConnections,
  NO_TRAFFIC,
  type Traffic,
} from "../delivery/live-connections.ts";
import type { Outbound, PushedMessage } from "../delivery/outbound.ts";
import type { Listener, Socket, SocketEvents, Timer, TlsCertificate, World } from "../world/world.ts";
import { type CloseReason, createCloseCounts } from "./close-reasons.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import type { Core, SocketHolder } from "./core.ts";
import { EndOfTurn } from "./end-of-turn.ts";
import { GatewayCounters } from "./gateway-counters.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import type { GatewayStats } from "./gateway-stats.ts";
import { type GatewayAddresses, type GatewayPorts, type ListenerName, listenersFor } from "./listening.ts";
import { OutboxFlush } from "./outbox-flush.ts";
import { type RecvSource, recvSource } from "./recv-frames.ts";

export interface GatewayDeps {
  readonly world: Pick<World, "clock" | "timers" | "random" | "network">;
  readonly core: Core;
  readonly sealer: Sealer;
  readonly options: GatewayOptions;
}

export interface Gateway {
  /** Rejects when an address cannot be taken or a certificate not be used; what was opened is closed again. */
  start(addresses: GatewayAddresses): Promise<void>;
  /** Takes nothing new, waits for the answers of what was accepted, and closes all connections. Idempotent. */
  stop(): Promise<void>;
  readonly outbound: Outbound;
  readonly live: LiveConnections;
  /** The ports that were really taken. */
  readonly ports: GatewayPorts;
  /** More pushes are on their way to sockets than should be: no message should be taken that makes more. */
  readonly isBehind: boolean;
  /** For connections from now on. Throws or rejects with `BadCertificate`, and the old one stays. */
  replaceCertificate(name: "tls" | "wss", certificate: TlsCertificate): void | Promise<void>;
  /** A promise where the sockets are in other threads. */
  stats(): GatewayStats | Promise<GatewayStats>;
}

/** All of it is in this thread. */
export interface LocalGateway extends Gateway {
  stats(): GatewayStats;
  connectionsOf(sessionIds: readonly number[]): readonly LiveConnection[];
  /** The first sessions behind this id, after a look at so many connections. */
  connectionsAfter(id: number, count: number): ConnectionPage;
}

/** Connections that are looked at before other work gets its turn: a few milliseconds. */
const PAGE_CONNECTIONS = 5_000;
/** As many as fan-out walks together. */
const SOURCES_KEPT = 16;
/** After `stop` closed a socket politely it is cut. */
const STOP_FLUSH_MS = 1_000;
const IGNORED: SocketEvents = { bytes: () => undefined, drained: () => undefined, closed: () => undefined };

export function createGateway(deps: GatewayDeps): LocalGateway {
  return new ConnectionOwner(deps);
}

class ConnectionOwner implements LocalGateway, ConnectionHost, SocketHolder, Outbound, LiveConnections {
  readonly world: GatewayDeps["world"];
  readonly options: GatewayOptions;
  readonly core: Core;
  readonly turns: EndOfTurn;
  readonly flush: OutboxFlush;
  readonly sealer: Sealer;
  readonly counters: GatewayCounters = new GatewayCounters();
  readonly outbound: Outbound = this;
  readonly live: LiveConnections = this;
  readonly isBehind = false;
  readonly #connections = new Map<number, Connection>();
  readonly #listeners = new Map<ListenerName, Listener>();
  readonly #closes = createCloseCounts();
  /** Held because the core is behind. */
  #waiting: Connection[] = [];
  /** Of the last messages. */
  readonly #sources: RecvSource[] = [];
  #nextSource = 0;
  /** Of the connections that have ended. */
  readonly #pastTraffic = { ...NO_TRAFFIC };
  #nextId: number;
  #accepted = 0;
  #unansweredSends = 0;
  #sweepTimer: Timer | undefined;
  #stopping: Promise<void> | undefined;
  /** What `stop` waits for. */
  #awaited: { isMet(): boolean; resolve(): void } | undefined;

  constructor(deps: GatewayDeps) {
    this.world = deps.world;
    this.options = deps.options;
    this.#nextId = deps.options.firstId;
    this.core = deps.core;
    this.sealer = deps.sealer;
    this.turns = new EndOfTurn(deps.world.timers, (error) => this.failed(error));
    this.flush = new OutboxFlush(this.turns, deps.sealer);
    deps.core.attach(this);
  }

  // ---- Gateway

  async start(addresses: GatewayAddresses): Promise<void> {
    this.#armSweep();
    try {
      for (const { name, at } of listenersFor(addresses, this.options)) {
        this.#listeners.set(name, await this.world.network.listen(at, (socket) => this.#accept(socket)));
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

  get ports(): GatewayPorts {
    return Object.fromEntries(Array.from(this.#listeners, ([name, listener]) => [name, listener.port]));
  }

  replaceCertificate(name: "tls" | "wss", certificate: TlsCertificate): void {
    this.#listeners.get(name)?.replaceCertificate?.(certificate);
  }

  stats(): GatewayStats {
    const { counters } = this;
    let sessions = 0;
    let outboxBytes = 0;
    let outboxLargestBytes = 0;
    for (const { isReady, pendingBytes } of this.#connections.values()) {
      if (isReady) sessions++;
      outboxBytes += pendingBytes;
      outboxLargestBytes = Math.max(outboxLargestBytes, pendingBytes);
    }
    return {
      connections: this.#connections.size,
      sessions,
      unansweredSends: this.#unansweredSends,
      accepted: this.#accepted,
      closes: { ...this.#closes },
      ...counters.snapshot(),
      outboxBytes,
      outboxLargestBytes,
      traffic: this.#traffic(),
    };
  }

  // ---- Outbound

  recv(message: PushedMessage, to: readonly number[]): void {
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

  named(sessionIds: readonly number[]): Promise<readonly LiveConnection[]> {
    return Promise.resolve(this.connectionsOf(sessionIds));
  }

  connectionsOf(sessionIds: readonly number[]): readonly LiveConnection[] {
    const nowMs = this.world.clock.monotonicMs();
    return sessionIds.flatMap((id) => this.#connections.get(id)?.snapshot(nowMs) ?? []);
  }

  async *pages(): AsyncIterable<readonly LiveConnection[]> {
    let after = 0;
    for (;;) {
      const page = this.connectionsAfter(after, PAGE_CONNECTIONS);
      yield page.connections;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  traffic(): Promise<Traffic> {
    return Promise.resolve(this.#traffic());
  }

  connectionsAfter(id: number, count: number): ConnectionPage {
    const nowMs = this.world.clock.monotonicMs();
    const connections: LiveConnection[] = [];
    let looked = 0;
    for (const connection of this.#connections.values()) {
      if (connection.id <= id) continue;
      const snapshot = connection.snapshot(nowMs);
      if (snapshot !== undefined) connections.push(snapshot);
      if (++looked === count) return { connections, next: connection.id };
    }
    return { connections, next: undefined };
  }

  // ---- SocketHolder

  admit(id: number): void {
    this.#connections.get(id)?.admitted();
  }

  end(id: number, reason: CloseReason): void {
    this.#connections.get(id)?.close(reason, "now");
  }

  caughtUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const connection of waiting) connection.endOfTurn();
  }

  // ---- ConnectionHost

  waits(connection: Connection): void {
    this.#waiting.push(connection);
  }

  unanswered(count: number): void {
    this.#unansweredSends += count;
    this.#wake();
  }

  closed(connection: Connection, reason: CloseReason): void {
    this.#connections.delete(connection.id);
    connection.addTrafficTo(this.#pastTraffic);
    this.#closes[reason]++;
    this.core.closed(connection.id, reason, connection.session?.uid ?? "", connection.ip);
    this.#wake();
  }

  failed(error: unknown): void {
    this.core.failed(error);
  }

  // ---- inside

  #traffic(): Traffic {
    const sum = { ...this.#pastTraffic };
    for (const connection of this.#connections.values()) connection.addTrafficTo(sum);
    return sum;
  }

  /** A message that goes out in slices is made ready once for all of them. */
  #sourceOf(message: PushedMessage): RecvSource {
    for (const source of this.#sources) if (source.message === message) return source;
    const source = recvSource(message);
    this.#sources[this.#nextSource] = source;
    this.#nextSource = (this.#nextSource + 1) % SOURCES_KEPT;
    return source;
  }

  #accept(socket: Socket): void {
    this.#accepted++;
    const id = this.#nextId;
    this.#nextId += this.options.idStep;
    const refusal = this.#refusal(id, socket.remote.ip);
    if (refusal !== undefined && refusal !== "later") {
      this.#closes[refusal]++;
      socket.bind(IGNORED);
      socket.close("now");
      return;
    }
    const connection = new Connection(id, socket, this);
    this.#connections.set(id, connection);
    socket.bind(connection);
    if (refusal === "later") connection.awaitAdmission();
  }

  #refusal(id: number, ip: string): CloseReason | "later" | undefined {
    const refusal = this.core.opened(id, ip);
    if (this.#stopping === undefined || (refusal !== undefined && refusal !== "later")) return refusal;
    this.core.closed(id, "server_stopping", "", ip);
    return "server_stopping";
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
