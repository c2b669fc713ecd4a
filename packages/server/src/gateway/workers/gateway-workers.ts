/**
 * The gateway over several threads: each worker listens at the same addresses and holds the sockets that the system gives
 * it; the core stays here. The remainder of a session's id tells its worker. A worker that ends is started again, and its
 * clients come back by themselves.
 */
import type { ConnectionPage, LiveConnection, LiveConnections, Traffic } from "../../delivery/live-connections.ts";
import type { Outbound, PushedMessage } from "../../delivery/outbound.ts";
import type { Presence } from "../../delivery/presence.ts";
import {
  BadCertificate,
  type Listener,
  type Socket,
  type Threads,
  type Timer,
  type TlsCertificate,
  type World,
} from "../../world/world.ts";
import type { Gateway } from "../gateway.ts";
import type { GatewayOptions } from "../gateway-options.ts";
import type { GatewayStats } from "../gateway-stats.ts";
import { type GatewayAddresses, type GatewayPorts, listenersFor, type PlainAddress } from "../listening.ts";
import type { LocalCore } from "../local-core.ts";
import { WorkerLink } from "./worker-link.ts";
import { createStats, pastStats, sumOfStats } from "./worker-stats.ts";

export interface GatewayWorkersDeps {
  readonly world: Pick<World, "clock" | "timers" | "network">;
  readonly threads: Threads;
  readonly core: LocalCore;
  readonly presence: Pick<Presence, "count">;
  readonly options: GatewayOptions;
  /** At least 1. */
  readonly count: number;
  /** Rows on their way from or to one worker; beyond, it does not read its sockets, or `isBehind` says so. */
  readonly queueBytesMax: number;
  /** For the log. The worker has ended, and so many connections with it; another is started after `againInMs`. */
  readonly lost: (error: unknown, connections: number, againInMs: number) => void;
}

/** What `stop` of a worker may take beyond its own waiting for answers. */
const STOP_EXTRA_MS = 1_300;
const RESTART_FIRST_MS = 100;
const RESTART_LONGEST_MS = 5_000;
/** A worker that lived so long may be started again at once. */
const HEALTHY_MS = 10_000;
const STATS_WAIT_MS = 1_000;
const LIFE_CHECK_MS = 1_000;
const PAGE_CONNECTIONS = 5_000;

const NO_PAGE: ConnectionPage = { connections: [], next: undefined };

/** One worker after the other. */
interface Place {
  link: WorkerLink | undefined;
  startedMs: number;
  /** Before the next start. */
  pauseMs: number;
  /** Its remainder by the number of places is the place's number. */
  lastId: number;
  timer: Timer | undefined;
}

export class GatewayWorkers implements Gateway, Outbound, LiveConnections {
  readonly outbound: Outbound = this;
  readonly live: LiveConnections = this;
  readonly #deps: GatewayWorkersDeps;
  readonly #places: readonly Place[];
  /** For each place the receivers of one message. */
  readonly #receivers: readonly number[][];
  #addresses: GatewayAddresses = {};
  /** Of workers that have ended. */
  #past: GatewayStats = createStats();
  #lostConnections = 0;
  #stopping: Promise<void> | undefined;
  #lifeTimer: Timer | undefined;

  constructor(deps: GatewayWorkersDeps) {
    this.#deps = deps;
    this.#places = Array.from({ length: deps.count }, (_, index) => ({
      link: undefined,
      startedMs: 0,
      pauseMs: RESTART_FIRST_MS,
      lastId: index,
      timer: undefined,
    }));
    this.#receivers = this.#places.map(() => []);
    deps.core.attach(this);
  }

  // ---- Gateway

  async start(addresses: GatewayAddresses): Promise<void> {
    this.#armLifeCheck();
    try {
      this.#addresses = await this.#taken(addresses);
      await Promise.all(this.#places.map((place) => this.#begin(place)));
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
    return Object.fromEntries(Object.entries(this.#addresses).map(([name, { port }]) => [name, port]));
  }

  get isBehind(): boolean {
    for (const { link } of this.#places) if (link?.isBehind === true) return true;
    return false;
  }

  async replaceCertificate(name: "tls" | "wss", certificate: TlsCertificate): Promise<void> {
    const old = this.#addresses[name];
    if (old === undefined) return;
    // First, so that a worker that is just being started gets it, too.
    this.#addresses = { ...this.#addresses, [name]: { ...old, certificate } };
    const answers = await Promise.allSettled(
      this.#links().map((link) => link.call("replaceCertificate", { name, certificate })),
    );
    for (const answer of answers) {
      // Another failure is that of a worker which has ended.
      if (answer.status === "fulfilled" || !(answer.reason instanceof BadCertificate)) continue;
      this.#addresses = { ...this.#addresses, [name]: old };
      throw answer.reason;
    }
  }

  /** A worker that does not answer in time counts as it told last. */
  async stats(): Promise<GatewayStats> {
    await Promise.all(this.#links().map((link) => this.#askForStats(link)));
    const links = this.#links();
    const all = sumOfStats([this.#past, ...links.flatMap(({ stats }) => stats ?? [])]);
    return {
      ...all,
      connections: this.#deps.core.connections,
      sessions: this.#deps.presence.count,
      unansweredSends: links.reduce((total, link) => total + link.unansweredSends, 0),
      closes: { ...all.closes, worker_failed: all.closes.worker_failed + this.#lostConnections },
    };
  }

  // ---- Outbound

  recv(message: PushedMessage, to: readonly number[]): void {
    this.#each(to, (link, ids) => link.recv(message, ids));
  }

  disconnect(to: readonly number[], reason: number | null, text: string, closeAfterMs: number): void {
    this.#each(to, (link, ids) => link.disconnect(ids, reason, text, closeAfterMs));
  }

  // ---- LiveConnections

  get socketCount(): number {
    return this.#deps.core.connections;
  }

  async named(sessionIds: readonly number[]): Promise<readonly LiveConnection[]> {
    const answers: Promise<readonly LiveConnection[]>[] = [];
    this.#each(sessionIds, (link, ids) => answers.push(link.call("named", [...ids]).catch(() => [])));
    return (await Promise.all(answers)).flat();
  }

  async *pages(): AsyncIterable<readonly LiveConnection[]> {
    for (let after = 0; ; ) {
      const at = { after, count: PAGE_CONNECTIONS };
      const pages = await Promise.all(this.#links().map((link) => link.call("page", at).catch(() => NO_PAGE)));
      // Up to where every worker has told all.
      const end = Math.min(...pages.map(({ next }) => next ?? Number.POSITIVE_INFINITY));
      const connections = pages.flatMap((page) => page.connections).filter(({ session }) => session.id <= end);
      yield connections.sort((a, b) => a.session.id - b.session.id);
      if (end === Number.POSITIVE_INFINITY) return;
      after = end;
    }
  }

  async traffic(): Promise<Traffic> {
    const { traffic } = await this.stats();
    return traffic;
  }

  // ---- inside

  /** One that is too busy has told them within the last second or so. */
  #askForStats(link: WorkerLink): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.world.timers.after(STATS_WAIT_MS, resolve);
      const answered = (stats?: GatewayStats): void => {
        if (stats !== undefined) link.stats = stats;
        timer.cancel();
        resolve();
      };
      link.call("stats", undefined).then(answered, () => answered());
    });
  }

  #links(): readonly WorkerLink[] {
    return this.#places.flatMap(({ link }) => link ?? []);
  }

  /** What is for the sessions of each worker. The ids are not to be kept. */
  #each(sessionIds: readonly number[], to: (link: WorkerLink, ids: readonly number[]) => void): void {
    const count = this.#places.length;
    for (const id of sessionIds) this.#receivers[id % count]?.push(id);
    for (const [index, ids] of this.#receivers.entries()) {
      if (ids.length === 0) continue;
      const { link } = this.#places[index]!;
      if (link !== undefined) to(link, ids);
      ids.length = 0;
    }
  }

  /** Rejects when it cannot listen. */
  async #begin(place: Place): Promise<void> {
    const { world, threads, core, options, count, queueBytesMax } = this.#deps;
    const link = new WorkerLink({
      timers: world.timers,
      threads,
      core,
      data: {
        queueBytesMax,
        options: {
          ...options,
          // No id twice: what is still on its way to an old session must not reach a new one.
          firstId: place.lastId + count,
          idStep: count,
          transports: { ...options.transports, sharesPort: true },
        },
      },
      ended: (error, connections) => this.#ended(place, link, error, connections),
    });
    place.link = link;
    place.startedMs = world.clock.monotonicMs();
    await link.call("listen", this.#addresses);
  }

  #ended(place: Place, link: WorkerLink, error: unknown, connections: number): void {
    place.link = undefined;
    place.lastId = Math.max(place.lastId, link.lastId);
    if (link.stats !== undefined) this.#past = sumOfStats([this.#past, pastStats(link.stats)]);
    if (this.#stopping !== undefined) return;
    this.#lostConnections += connections;
    const { world, lost } = this.#deps;
    if (world.clock.monotonicMs() - place.startedMs >= HEALTHY_MS) place.pauseMs = RESTART_FIRST_MS;
    lost(error, connections, place.pauseMs);
    place.timer = world.timers.after(place.pauseMs, () => {
      this.#begin(place).catch((failure: unknown) => {
        this.#deps.core.failed(failure);
        // Its end is what leads here again.
        place.link?.end();
      });
    });
    place.pauseMs = Math.min(place.pauseMs * 2, RESTART_LONGEST_MS);
  }

  /**
   * The same addresses with the ports that are really taken. Workers share them with everybody who shares, so whether
   * another program is there already is found out before, without sharing.
   */
  async #taken(addresses: GatewayAddresses): Promise<GatewayAddresses> {
    const listeners: Listener[] = [];
    const taken: Record<string, PlainAddress> = { ...addresses };
    try {
      for (const { name, at } of listenersFor(addresses, this.#deps.options)) {
        const listener = await this.#deps.world.network.listen(at, turnAway);
        listeners.push(listener);
        taken[name] = { ...taken[name]!, port: listener.port };
      }
      return taken;
    } finally {
      await Promise.all(listeners.map((listener) => listener.close()));
    }
  }

  #armLifeCheck(): void {
    this.#lifeTimer = this.#deps.world.timers.after(LIFE_CHECK_MS, () => {
      this.#armLifeCheck();
      for (const link of this.#links()) link.checkLife();
    });
  }

  async #stop(): Promise<void> {
    this.#lifeTimer?.cancel();
    for (const { timer } of this.#places) timer?.cancel();
    await Promise.all(this.#links().map((link) => this.#stopOne(link)));
  }

  async #stopOne(link: WorkerLink): Promise<void> {
    const { world, options } = this.#deps;
    // One that hangs is not waited for.
    const timer = world.timers.after(options.stopAnswersMs + STOP_EXTRA_MS, () => link.end());
    await link.call("stop", undefined).catch(() => undefined);
    timer.cancel();
    link.end();
    await link.ended;
  }
}

/** It came while the address was only looked at. */
function turnAway(socket: Socket): void {
  socket.bind({ bytes: () => undefined, drained: () => undefined, closed: () => undefined });
  socket.close("now");
}
