/** The HTTP side: the API, the manager port, and what both show of the rest of the server. */
import { FailedLogins } from "../api/failed-logins.ts";
import { HttpAdmission } from "../api/http-admission.ts";
import { type Api, createApi } from "../api/http-server.ts";
import { openManagerAuth } from "../api/manager-access.ts";
import { createManagerApi } from "../api/manager-api.ts";
import { metricSeriesRoutes } from "../api/routes/metric-series.ts";
import { timeText } from "../api/time-text.ts";
import { databaseDirectory } from "../config/database-directory.ts";
import { managerAddress } from "../config/manager-access.ts";
import { routeAddresses } from "../config/route-addresses.ts";
import type { Webhooks } from "../hooks/webhooks.ts";
import { MessageBrowser } from "../messaging/message-browser.ts";
import { RowBrowser } from "../messaging/row-browser.ts";
import { UserBrowser } from "../messaging/user-browser.ts";
import { Explainer } from "../observe/explainer.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import { serverMetrics } from "../observe/metrics/server-metrics.ts";
import { Samples } from "../observe/samples.ts";
import type { HttpListenAt, Listener } from "../world/world.ts";
import type { Domain } from "./domain.ts";
import { bucketsOf, type Foundation } from "./foundation.ts";
import type { MessageRoad } from "./message-road.ts";

export interface HttpParts {
  readonly foundation: Foundation;
  readonly domain: Domain;
  readonly road: MessageRoad;
  readonly webhooks: Webhooks;
  /** Of the program. */
  readonly version: string;
  readonly startedMs: number;
  isDraining(): boolean;
}

export interface HttpPorts {
  readonly api: Listener | undefined;
  readonly manager: Listener | undefined;
  readonly samples: Samples;
}

/** Rejects when an address is taken; nothing is left open then. */
export async function openHttpPorts(parts: HttpParts): Promise<HttpPorts> {
  const { foundation, domain, road, webhooks, version } = parts;
  const { config, world, log, store } = foundation;
  const { limits, rateLimit } = config;
  const { gateway, presence, acks } = road;
  const samples = new Samples(world, {
    connections: () => gateway.live.socketCount,
    sessions: () => presence.count,
    users: () => presence.userCount,
    traffic: () => gateway.live.traffic(),
    usage: () => world.processUsage(),
  });
  const auth = await openManagerAuth({
    config,
    world,
    notKept: (file, error) =>
      log.error("a secret of the manager port cannot be kept: it ends with this process", {
        event: "manager.secret_not_kept",
        file,
        error,
      }),
  });
  const admission = new HttpAdmission({
    requestsMax: limits.httpRequestsMax,
    perIp: bucketsOf(foundation, rateLimit.httpPerSecond, rateLimit.httpBurst),
  });
  const managerAt = managerAddress(config);
  let manager: Listener | undefined;
  const api = createApi({
    world,
    users: domain.sources.users,
    channels: domain.sources.channels,
    history: domain.history,
    chatList: domain.chatList,
    commands: domain.commands,
    sending: road.sending,
    conversations: domain.conversations,
    presence,
    outbound: gateway.outbound,
    connections: gateway.live,
    webhooks,
    readiness: () => {
      const reason = parts.isDraining() ? "the server is stopping" : (store.readOnlyBecause ?? "");
      return { ready: reason === "", reason };
    },
    status: {
      version,
      get managerAddress() {
        return managerAt === null || manager === undefined ? "" : `${managerAt.host}:${manager.port}`;
      },
      uptimeMs: () => world.clock.monotonicMs() - parts.startedMs,
      usage: () => samples.usage(),
      unacknowledged: () => acks.waitingCount,
    },
    browsing: {
      rows: new RowBrowser(store),
      users: new UserBrowser(store),
      messages: new MessageBrowser({ store, history: domain.history, clock: world.clock }),
    },
    isLoaded: (channel) => domain.channels.peek(channel) !== undefined,
    auth,
    failedLogins: new FailedLogins(world.clock, limits.failedLoginsMax),
    loginTried: (user, ip) => {
      if (user === undefined) log.warn("a login to the manager port was refused", { event: "manager.refused", ip });
      else log.info("a login to the manager port", { event: "manager.login", user, ip });
    },
    explainer: createExplainer(parts),
    metrics: config.metrics.on ? { metrics: createMetrics(parts, admission), token: config.metrics.token } : undefined,
    handlerFailed: (error, request) =>
      log.error("an HTTP handler failed", { event: "http.handler_failed", error, path: request.path }),
    options: {
      managerToken: config.managerToken,
      managerUid: config.managerUID,
      benchOn: config.bench.apiOn,
      bodyBytesMax: limits.httpBodyBytesMax,
      payloadBytesMax: limits.payloadBytesMax,
      onlineCommandChannelId: config.channel.onlineCmdChannelId,
      commandSyncOff: config.disableCMDMessageSync,
      addresses: routeAddresses(config, gateway.ports),
      nodeId: config.cluster.nodeId,
    },
  });
  const admitting = { admit: admission.admit.bind(admission), ended: admission.ended.bind(admission) };
  const serve = (at: HttpListenAt, { routes, rules }: Pick<Api, "routes" | "rules">): Promise<Listener> =>
    world.http.serve(at, routes.map(admission.limited.bind(admission)), { ...rules, ...admitting });
  const listener = config.httpAddr === null ? undefined : await serve(config.httpAddr, api);
  if (managerAt !== null) {
    const managerApi = createManagerApi(api, auth, metricSeriesRoutes({ samples, nodeId: config.cluster.nodeId }));
    try {
      manager = await serve(managerAt, managerApi);
    } catch (error) {
      await listener?.close();
      throw error;
    }
    samples.start();
  }
  return { api: listener, manager, samples };
}

function createExplainer({ foundation, domain, road, webhooks }: HttpParts): Explainer {
  const { config, world } = foundation;
  const { trail, notKept, acks, fanOut, presence } = road;
  return new Explainer({
    clock: world.clock,
    standings: domain.standings,
    trail,
    notKept,
    acks,
    fanOut,
    presence,
    webhook: webhooks,
    devices: (uid) => domain.users.devices(uid),
    time: timeText,
    options: {
      isCommandSyncOff: config.disableCMDMessageSync,
      resendsMax: config.messageRetry.maxCount,
      pendingAcksMax: config.limits.pendingAcksMax,
    },
  });
}

function createMetrics({ foundation, domain, road, webhooks, version }: HttpParts, admission: HttpAdmission): Metrics {
  const { config, world, store, failed } = foundation;
  const { gateway, presence, sender, fanOut, acks } = road;
  return serverMetrics({
    gateway: () => gateway.stats(),
    onlineUsers: () => presence.userCount,
    sending: () => sender.stats(),
    fanOut,
    acks: () => acks.stats(),
    store: () => store.stats(),
    caches: domain.caches,
    http: () => admission.stats(),
    webhooks: () => webhooks.state(),
    runtime: () => world.runtime.stats(databaseDirectory(config)),
    limits: config.limits,
    version,
    nodeId: config.cluster.nodeId,
    legacyNames: config.metrics.legacyNames,
    failed,
  });
}
