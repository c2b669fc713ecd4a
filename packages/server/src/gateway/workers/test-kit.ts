/** For the tests of gateway workers: threads that run in this one, driven by hand, each with sockets of its own. */
import { Presence } from "../../delivery/presence.ts";
import { IdGenerator } from "../../messaging/ids.ts";
import { type BucketRate, TokenBuckets } from "../../messaging/token-buckets.ts";
import type { LoginRequest, LoginVerdict } from "../../messaging/users.ts";
import {
  BadCertificate,
  type ListenAt,
  type Listener,
  type Socket,
  type Thread,
  type ThreadEvents,
  type Threads,
  type Timers,
} from "../../world/world.ts";
import { GATEWAY_DEFAULTS, type GatewayOptions } from "../gateway-options.ts";
import type { GatewayStats } from "../gateway-stats.ts";
import type { GatewayAddresses } from "../listening.ts";
import { LocalCore } from "../local-core.ts";
import { CountedRandom, HandSending, HandSocket, HandTime, TestClient } from "../test-kit.ts";
import { GatewayWorkers } from "./gateway-workers.ts";
import { runInThread } from "./worker-program.ts";

export class HandThread implements Thread {
  readonly listeningAt: ListenAt[] = [];
  readonly certificates: string[] = [];
  isEnded = false;
  /** Hears nothing and says nothing. */
  isStuck = false;
  #accept: (socket: Socket) => void = () => undefined;
  #hear: (message: unknown) => void = () => undefined;
  readonly #time: HandTime;
  readonly #events: ThreadEvents;

  constructor(time: HandTime, data: unknown, events: ThreadEvents, listenFailure: () => unknown) {
    this.#time = time;
    this.#events = events;
    const alive =
      (run: () => void): (() => void) =>
      () => {
        if (!this.isEnded) run();
      };
    const timers: Timers = {
      after: (delayMs, run) => time.after(delayMs, alive(run)),
      soon: (run) => time.soon(alive(run)),
    };
    const listen = (at: ListenAt, accept: (socket: Socket) => void): Promise<Listener> => {
      const failure = listenFailure();
      if (failure !== undefined) return Promise.reject(failure);
      this.listeningAt.push(at);
      this.#accept = accept;
      return Promise.resolve({
        port: at.port,
        close: () => Promise.resolve(),
        replaceCertificate: (certificate) => {
          if (certificate.source === "bad") throw new BadCertificate("bad: no usable certificate");
          this.certificates.push(certificate.source);
        },
      });
    };
    runInThread(
      { clock: time, timers, random: new CountedRandom(), network: { listen } },
      {
        post: (message, buffers = []) => {
          const copy = structuredClone(message, { transfer: [...buffers] });
          if (!this.isEnded && !this.isStuck) time.soon(alive(() => events.message(copy)));
        },
        bind: (hear) => {
          this.#hear = hear;
        },
      },
      structuredClone(data),
    );
  }

  post(message: unknown, buffers: readonly ArrayBuffer[] = []): void {
    const copy = structuredClone(message, { transfer: [...buffers] });
    this.#time.soon(() => {
      if (!this.isEnded && !this.isStuck) this.#hear(copy);
    });
  }

  end(): void {
    this.#over(undefined);
  }

  crash(error: unknown): void {
    this.#over(error);
  }

  open(ip = "10.0.0.1"): HandSocket {
    const socket = new HandSocket(this.#time, ip, "websocket");
    this.#accept(socket);
    return socket;
  }

  #over(error: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#time.soon(() => this.#events.ended(error));
  }
}

export interface WorkersBench {
  readonly time: HandTime;
  readonly gateway: GatewayWorkers;
  readonly presence: Presence;
  readonly sending: HandSending;
  /** All that were ever started. */
  readonly threads: HandThread[];
  readonly failures: unknown[];
  readonly closed: string[];
  /** What the trail was told, as text. */
  readonly trail: string[];
  readonly lost: { readonly error: unknown; readonly connections: number; readonly againInMs: number }[];
  /** Ports that were looked at before. */
  readonly probed: ListenAt[];
  readonly forgotten: number[];
  /** What a worker's next listening fails with. */
  listenFailure: unknown;
  login: (request: LoginRequest) => LoginVerdict;
  /** Everything that is on its way arrives. */
  readonly settle: () => Promise<void>;
  /** Time passes, and everything with it. */
  readonly advance: (ms: number) => Promise<void>;
  readonly stats: () => Promise<GatewayStats>;
  readonly client: (thread: HandThread, ip?: string) => TestClient;
}

export const ADDRESSES: GatewayAddresses = {
  tcp: { host: "127.0.0.1", port: 0 },
  wss: {
    host: "127.0.0.1",
    port: 5210,
    certificate: { certificate: new Uint8Array(1), key: new Uint8Array(1), source: "first" },
  },
};

export async function startWorkers(
  count: number,
  options: Partial<GatewayOptions> = {},
  queueBytesMax: number = 1 << 20,
  rate?: BucketRate,
): Promise<WorkersBench> {
  const bench = prepareWorkers(count, options, queueBytesMax, rate);
  const started = bench.gateway.start(ADDRESSES);
  await bench.settle();
  await started;
  return bench;
}

/** Not started. */
export function prepareWorkers(
  count: number,
  options: Partial<GatewayOptions> = {},
  queueBytesMax: number = 1 << 20,
  rate?: BucketRate,
): WorkersBench {
  const time = new HandTime();
  const presence = new Presence();
  const sending = new HandSending();
  const threads: HandThread[] = [];
  const handThreads: Threads = {
    cores: 8,
    start(_program, data, events) {
      const thread = new HandThread(time, data, events, () => bench.listenFailure);
      threads.push(thread);
      return thread;
    },
  };
  const allOptions = { ...GATEWAY_DEFAULTS, ...options };
  const core = new LocalCore({
    users: { login: (request) => bench.login(request) },
    sending,
    presence,
    acks: { acked: () => undefined, forget: (id) => void bench.forgotten.push(id) },
    commands: { received: () => undefined, receivedById: () => undefined },
    trail: {
      opened: ({ uid }) => void bench.trail.push(`opened ${uid}`),
      left: ({ uid }, reason) => void bench.trail.push(`left ${uid} ${reason}`),
      loginFailed: (uid, _, reason) => void bench.trail.push(`login ${uid} ${reason}`),
      refused: ({ fromUid }, _, reason, rule) => void bench.trail.push(`refused ${fromUid} ${reason} ${rule}`),
    },
    ids: new IdGenerator(time, 1001),
    perIp: rate && new TokenBuckets(time, { ...rate, countMax: 100 }),
    failed: (error) => void bench.failures.push(error),
    closed: (reason, uid, ip) => void bench.closed.push(`${reason} ${uid} ${ip}`),
    options: allOptions,
  });
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 30; round++) {
      for (let index = 0; index < 5; index++) await Promise.resolve();
      time.settle();
    }
  };
  const bench: WorkersBench = {
    time,
    gateway: new GatewayWorkers({
      world: {
        clock: time,
        timers: time,
        network: {
          listen(at) {
            bench.probed.push(at);
            const port = at.port === 0 ? 5_100 : at.port;
            return Promise.resolve({ port, close: () => Promise.resolve() });
          },
        },
      },
      threads: handThreads,
      core,
      presence,
      options: allOptions,
      count,
      queueBytesMax,
      lost: (error, connections, againInMs) => void bench.lost.push({ error, connections, againInMs }),
    }),
    presence,
    sending,
    threads,
    failures: [],
    closed: [],
    trail: [],
    lost: [],
    probed: [],
    forgotten: [],
    listenFailure: undefined,
    login: () => ({ reason: 1, level: "slave" }),
    settle,
    async advance(ms) {
      await settle();
      time.advance(ms);
      await settle();
    },
    async stats() {
      const asked = bench.gateway.stats();
      await settle();
      return asked;
    },
    client: (thread, ip) => new TestClient(time, thread.open(ip)),
  };
  return bench;
}
