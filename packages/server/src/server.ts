/**
 * The composition root: it builds the server from one configuration and one world, starts its parts in order and stops
 * them in the other. What a part is made of is in `composition/`; only here and there all parts are known.
 */
import { openClientPorts } from "./composition/client-ports.ts";
import { openDomain } from "./composition/domain.ts";
import { layFoundation } from "./composition/foundation.ts";
import { type HttpPorts, openHttpPorts } from "./composition/http-ports.ts";
import { buildMessageRoad, type MessageRoad } from "./composition/message-road.ts";
import { startWebhooks } from "./composition/webhooks.ts";
import type { Config } from "./config/schema.ts";
import type { CertificateWatch } from "./gateway/certificate-watch.ts";
import { type OfflineEvents, startOfflineEvents } from "./hooks/offline-events.ts";
import type { Webhooks } from "./hooks/webhooks.ts";
import type { Log } from "./observe/log.ts";
import type { Spans } from "./observe/message-spans.ts";
import type { Store } from "./store/store.ts";
import type { World } from "./world/world.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly world: World;
  readonly log: Log;
  /** Of the program, for /varz and the metrics. */
  readonly version?: string;
  /** Where traces of messages go; without it there are none. */
  readonly spans?: Spans | undefined;
}

export interface ServerAddresses {
  readonly tcpPort: number | undefined;
  readonly tlsPort: number | undefined;
  readonly websocketPort: number | undefined;
  readonly wssPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly managerPort: number | undefined;
}

export interface Server {
  /** Rejects with a `StoreOpenError`, or when an address is taken; nothing is left open then. */
  start(): Promise<void>;
  /**
   * Accepted sends are answered, sessions closed with a reason, the store closed; unless "at-once", `drainTime` passes
   * before. Idempotent; leaves no handle open.
   */
  stop(how?: "at-once"): Promise<void>;
  readonly addresses: ServerAddresses;
}

export function createServer(options: ServerOptions): Server {
  let running: Parts | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  /** Whoever asks is told not to send anybody new. */
  let isDraining = false;
  const start = async (): Promise<void> => {
    running = await startParts(options, () => isDraining);
  };
  const stop = async (how?: "at-once"): Promise<void> => {
    // A start that fails has closed what it had opened, and its caller has the error.
    await starting?.catch(() => undefined);
    if (running === undefined) return;
    isDraining = true;
    const { drainTimeMs } = options.config;
    if (drainTimeMs > 0 && how === undefined)
      await new Promise<void>((resolve) => options.world.timers.after(drainTimeMs, resolve));
    await stopParts(running);
  };
  return {
    start() {
      starting ??= start();
      return starting;
    },
    stop(how) {
      stopping ??= stop(how);
      return stopping;
    },
    get addresses() {
      return {
        tcpPort: running?.road.gateway.ports.tcp,
        tlsPort: running?.road.gateway.ports.tls,
        websocketPort: running?.road.gateway.ports.websocket,
        wssPort: running?.road.gateway.ports.wss,
        httpPort: running?.http.api?.port,
        managerPort: running?.http.manager?.port,
      };
    },
  };
}

interface Parts {
  readonly store: Store;
  readonly road: MessageRoad;
  readonly webhooks: Webhooks;
  readonly offlineEvents: OfflineEvents;
  readonly certificates: readonly CertificateWatch[];
  readonly http: HttpPorts;
}

async function startParts(options: ServerOptions, isDraining: () => boolean): Promise<Parts> {
  const { config, world, log, version = "", spans } = options;
  const startedMs = world.clock.monotonicMs();
  const foundation = await layFoundation({ config, world, log });
  const { store } = foundation;
  const opened: { -readonly [Name in keyof Parts]?: Parts[Name] } = { store };
  try {
    const domain = await openDomain(foundation);
    const road = await buildMessageRoad(foundation, domain, spans, {
      passing: (messages) => opened.offlineEvents?.passing?.(messages),
      unacknowledged: (...told) => opened.offlineEvents?.unacknowledged?.(...told),
    });
    opened.road = road;
    const webhooks = await startWebhooks(foundation, domain);
    opened.webhooks = webhooks;
    const { channels, conversations, history, ids, isRestart } = domain;
    const { gateway, presence, acks } = road;
    const offlineEvents = await startOfflineEvents({
      ...foundation,
      channels,
      conversations,
      ids,
      presence,
      history,
      acks,
      webhooks,
      isRestart,
    });
    opened.offlineEvents = offlineEvents;
    const certificates = await openClientPorts(foundation, gateway);
    opened.certificates = certificates;
    if (road.workers > 0)
      log.info("sockets are held by gateway workers", { event: "gateway.workers", workers: road.workers });
    const http = await openHttpPorts({ foundation, domain, road, webhooks, version, startedMs, isDraining });
    return { store, road, webhooks, offlineEvents, certificates, http };
  } catch (error) {
    await stopParts(opened).catch(() => undefined);
    throw error;
  }
}

/** HTTP first, so that no new send comes in; the store last, so that accepted ones are still answered. */
async function stopParts({ store, road, webhooks, offlineEvents, certificates, http }: Partial<Parts>): Promise<void> {
  for (const watch of certificates ?? []) watch.stop();
  http?.samples.stop();
  // Whatever fails to close, the store is closed.
  const outcomes: PromiseSettledResult<unknown>[] = await Promise.allSettled([
    http?.api?.close(),
    http?.manager?.close(),
    road?.gateway.stop(),
  ]);
  // The ends of the sessions are still told.
  outcomes.push(...(await Promise.allSettled([offlineEvents?.stop()])));
  outcomes.push(...(await Promise.allSettled([webhooks?.stop()])));
  road?.acks.stop();
  await road?.trail.stop();
  await store?.close();
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
