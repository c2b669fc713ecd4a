/**
 * The composition root: the only file that knows all parts. It builds them from one configuration and one world, starts
 * them in order and stops them in the other.
 */
import { createSealer, warmUp } from "@wukong-ts/sealing";
import { FailedLogins } from "./api/failed-logins.ts";
import { HttpAdmission } from "./api/http-admission.ts";
import { type Api, createApi } from "./api/http-server.ts";
import { openManagerAuth } from "./api/manager-access.ts";
import { createManagerApi } from "./api/manager-api.ts";
import { metricSeriesRoutes } from "./api/routes/metric-series.ts";
import { timeText } from "./api/time-text.ts";
import { type CertificateFiles, certificateFiles } from "./config/certificate-files.ts";
import { databaseDirectory } from "./config/database-directory.ts";
import { managerAddress } from "./config/manager-access.ts";
import { routeAddresses } from "./config/route-addresses.ts";
import type { Config } from "./config/schema.ts";
import { webhooksOptions } from "./config/webhooks-options.ts";
import { createFanOut, FAN_OUT_DEFAULTS, type FanOut } from "./delivery/fan-out.ts";
import { PENDING_ACKS_DEFAULTS, PendingAcks } from "./delivery/pending-acks.ts";
import { Presence } from "./delivery/presence.ts";
import { CertificateWatch, readCertificate } from "./gateway/certificate-watch.ts";
import { createGateway, type Gateway } from "./gateway/gateway.ts";
import { GATEWAY_DEFAULTS, type GatewayOptions } from "./gateway/gateway-options.ts";
import { LocalCore } from "./gateway/local-core.ts";
import { workersFor } from "./gateway/workers/worker-count.ts";
import { DeadLetters } from "./hooks/dead-letters.ts";
import { type OfflineEvents, startOfflineEvents } from "./hooks/offline-events.ts";
import { createSources } from "./hooks/sources.ts";
import { Webhooks } from "./hooks/webhooks.ts";
import { ChannelAdmin } from "./messaging/channel-admin.ts";
import { ChannelCache } from "./messaging/channel-cache.ts";
import { ChatListReader } from "./messaging/chat-list-reader.ts";
import { CommandCursors } from "./messaging/command-cursors.ts";
import { CommandSync } from "./messaging/command-sync.ts";
import { Conversations } from "./messaging/conversations.ts";
import { EarlyAcks } from "./messaging/early-acks.ts";
import { HandOuts } from "./messaging/hand-outs.ts";
import { IdGenerator } from "./messaging/ids.ts";
import type { StoredMessage } from "./messaging/message.ts";
import { MessageBrowser } from "./messaging/message-browser.ts";
import { MessageHistory } from "./messaging/message-history.ts";
import { MessageStandings } from "./messaging/message-standing.ts";
import { ReadMarks } from "./messaging/read-marks.ts";
import { ChannelReceivers } from "./messaging/receivers.ts";
import { RecentMessages } from "./messaging/recent-messages.ts";
import { Removals } from "./messaging/removals.ts";
import { RowBrowser } from "./messaging/row-browser.ts";
import { Sender } from "./messaging/sending.ts";
import { rateOf, TokenBuckets } from "./messaging/token-buckets.ts";
import { UserBrowser } from "./messaging/user-browser.ts";
import { UserDirectory } from "./messaging/user-directory.ts";
import { Explainer } from "./observe/explainer.ts";
import type { Log } from "./observe/log.ts";
import { MessageSpans, type Spans } from "./observe/message-spans.ts";
import { serverMetrics } from "./observe/metrics/server-metrics.ts";
import { NotKeptMessages } from "./observe/not-kept-messages.ts";
import { Samples } from "./observe/samples.ts";
import { Trail } from "./observe/trail.ts";
import { lastIds } from "./store/message-ids.ts";
import { Store } from "./store/store.ts";
import type { Listener, TlsCertificate, World } from "./world/world.ts";

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
  let running: Running | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    running = await startParts(options);
  };
  const stop = async (how?: "at-once"): Promise<void> => {
    // A start that fails has closed what it had opened, and its caller has the error.
    await starting?.catch(() => undefined);
    if (running === undefined) return;
    running.drain.isOn = true;
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
        tcpPort: running?.gateway.ports.tcp,
        tlsPort: running?.gateway.ports.tls,
        websocketPort: running?.gateway.ports.websocket,
        wssPort: running?.gateway.ports.wss,
        httpPort: running?.http?.port,
        managerPort: running?.manager?.port,
      };
    },
  };
}

interface Running {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly acks: PendingAcks;
  readonly webhooks: Webhooks;
  readonly offlineEvents: OfflineEvents;
  readonly trail: Trail;
  readonly http: Listener | undefined;
  readonly manager: Listener | undefined;
  readonly samples: Samples;
  /** Told to stop: whoever asks is told not to send anybody new. */
  readonly drain: { isOn: boolean };
  readonly certificates: readonly CertificateWatch[];
}

async function startParts({ config, world, log, version = "", spans }: ServerOptions): Promise<Running> {
  const { limits, rateLimit } = config;
  const startedMs = world.clock.monotonicMs();
  const drain = { isOn: false };
  const buckets = (perSecond: number, burst: number): TokenBuckets | undefined => {
    const rate = rateOf(perSecond, burst);
    return rate && new TokenBuckets(world.clock, { ...rate, countMax: limits.rateLimitKeysMax });
  };
  const sealer = createSealer();
  const workers = await loadWorkers(config, world, log);
  if (!config.disableEncryption) {
    if (workers === undefined) warmUp(sealer);
    if (sealer.kind === "wasm") log.debug("messages are sealed in WebAssembly", { event: "sealing.webassembly" });
    else log.warn("messages are sealed with node:crypto, which takes several times as long", { event: "sealing.slow" });
  }
  const store = await Store.open({
    world,
    directory: databaseDirectory(config),
    limits: {
      writeBytesMax: limits.commitWriteBytesMax,
      queueBytesMax: limits.commitQueueBytesMax,
      queueBatchesMax: limits.commitQueueBatchesMax,
    },
    keyFilterBytesMax: limits.keyFilterBytesMax,
    stateChanged: (because) => {
      if (because === null) log.info("the store takes writes again", { event: "store.writable" });
      else log.error("the store is read-only", { event: "store.read_only", because });
    },
  });
  let gateway: Gateway | undefined;
  let acks: PendingAcks | undefined;
  let webhooks: Webhooks | undefined;
  let offlineEvents: OfflineEvents | undefined;
  let http: Listener | undefined;
  let samples: Samples | undefined;
  let trail: Trail | undefined;
  const certificates: CertificateWatch[] = [];
  try {
    const ids = new IdGenerator(world.clock, config.cluster.nodeId);
    const isRestart = await continueIds(ids, store);
    const channels = new ChannelCache(store, {
      countMax: limits.channelCacheMax,
      bytesMax: limits.channelCacheBytesMax,
    });
    const conversations = new Conversations(store, {
      countMax: limits.conversationCacheUsersMax,
      bytesMax: limits.conversationCacheBytesMax,
    });
    const users = await UserDirectory.load(store, world.clock, {
      tokenAuthOn: config.tokenAuthOn,
      managerUid: config.managerUID,
      managerToken: config.managerToken,
      visitorsSuffix: config.customerService.visitorsOn ? config.customerService.visitorsSuffix : undefined,
    });
    const admin = new ChannelAdmin({ clock: world.clock, store, channels, conversations, ids });
    const sources = createSources({ config, world, log, store, cache: channels, users, channels: admin });
    const history = new MessageHistory(store, channels, world.clock);
    const failed = (error: unknown): void => log.error("an internal error", { event: "internal_error", error });
    const presence = new Presence();
    const keeping = new Trail({
      store,
      clock: world.clock,
      ids,
      timers: world.timers,
      failed,
      limits: {
        usersMax: limits.trailUsersMax,
        waitingMax: limits.trailWaitingMax,
        waitingBytesMax: limits.trailWaitingBytesMax,
      },
    });
    trail = keeping;
    const notKept = new NotKeptMessages(limits.notKeptMessagesMax);
    acks = new PendingAcks({
      clock: world.clock,
      timers: world.timers,
      history,
      trail,
      options: {
        ...PENDING_ACKS_DEFAULTS,
        intervalMs: config.messageRetry.intervalMs,
        sweepMs: config.messageRetry.scanIntervalMs,
        resendsMax: config.messageRetry.maxCount,
        perSessionMax: limits.pendingAcksMax,
      },
    });
    const early = new EarlyAcks({ countMax: limits.earlyCommandAcksMax, bytesMax: limits.earlyCommandAcksBytesMax });
    const cursors = new CommandCursors({ store, channels, conversations, early, failed });
    let fanOut: FanOut | undefined;
    const road = spans && new MessageSpans(spans);
    const push = (messages: readonly StoredMessage[]): void => fanOut?.push(messages);
    const deliver = road?.pushing(push) ?? push;
    const sender = new Sender({
      clock: world.clock,
      store,
      channels,
      conversations,
      ids,
      isSystem: (uid) => sources.users.isSystem(uid),
      ...(sources.outside === undefined ? {} : { outside: sources.outside }),
      trail,
      failed,
      deliver: (messages) => {
        for (const message of messages) notKept.note(message);
        deliver(messages);
        offlineEvents?.passing?.(messages);
      },
      perUid: buckets(rateLimit.uidPerSecond, rateLimit.uidBurst),
      isDeliveryFull: () =>
        fanOut !== undefined &&
        (fanOut.backlogMessages >= limits.fanOutMessagesMax ||
          fanOut.backlogBytes >= limits.fanOutBytesMax ||
          gateway?.isBehind === true),
      options: {
        personAllowListOff: config.whitelistOffOfPerson,
        payloadBytesMax: limits.payloadBytesMax,
        batchBytesMax: limits.commitBatchBytesMax,
        channelRate: rateOf(rateLimit.channelPerSecond, rateLimit.channelBurst),
      },
    });
    const sending = road?.sending(sender) ?? sender;
    const gatewayOptions: GatewayOptions = {
      ...GATEWAY_DEFAULTS,
      nodeId: config.cluster.nodeId,
      disableEncryption: config.disableEncryption,
      disableJsonRpc: config.disableJSONRPC,
      allowNoEncrypt: config.allowNoEncrypt,
      connectionsMax: limits.connectionsMax,
      connectionsPerIpMax: limits.connectionsPerIpMax === 0 ? Number.POSITIVE_INFINITY : limits.connectionsPerIpMax,
      frameBytesMax: limits.frameBytesMax,
      transports: {
        expectsProxyHeader: config.proxyProtocol,
        ...(config.ws.path === "" ? {} : { path: config.ws.path }),
        ...(config.ws.origins.length === 0 ? {} : { origins: config.ws.origins.map(originOf) }),
      },
      trustedProxies: config.trustedProxies,
      unauthenticatedMs: limits.unauthenticatedTimeMs,
      idleMs: config.connIdleTimeMs,
      unansweredSendsMax: limits.sessionSendsMax,
      unansweredBytesMax: limits.sessionSendBytesMax,
      outboundBytesMax: limits.outboxBytesMax,
      outboundFramesMax: limits.outboxFramesMax,
    };
    const core = new LocalCore({
      users,
      sending,
      presence,
      acks,
      commands: cursors,
      trail,
      ids,
      perIp: buckets(rateLimit.ipPerSecond, rateLimit.ipBurst),
      failed,
      closed: (reason, uid, ip) => {
        const details = { event: `connection.${reason}`, reason, uid, ip };
        if (reason === "slow_reader") log.warn("a connection was cut", details);
        else log.debug("a connection has ended", details);
      },
      options: gatewayOptions,
    });
    gateway =
      workers === undefined
        ? createGateway({ world, core, sealer, options: gatewayOptions })
        : new workers.GatewayWorkers({
            world,
            threads: workers.threads,
            core,
            presence,
            options: gatewayOptions,
            count: workers.count,
            queueBytesMax: limits.gatewayQueueBytesMax,
            lost: (error, connections, againInMs) =>
              log.error("a gateway worker has ended", { event: "gateway.worker_ended", error, connections, againInMs }),
          });
    fanOut = createFanOut({
      clock: world.clock,
      timers: world.timers,
      receivers: new ChannelReceivers(channels),
      presence,
      outbound: road?.outbound(gateway.outbound) ?? gateway.outbound,
      acks,
      notPushed: (message) => keeping.notPushed(message),
      failed,
      options: {
        ...FAN_OUT_DEFAULTS,
        sliceReceiversMax: limits.fanOutSliceReceivers,
        backlogMessagesMax: limits.fanOutMessagesMax * 2,
        backlogBytesMax: limits.fanOutBytesMax * 2,
      },
    });
    store.feed.tail(deliver);
    acks.start(gateway.outbound);
    webhooks = await Webhooks.start({
      world,
      feed: store.feed,
      deadLetters: await DeadLetters.load({
        store,
        clock: world.clock,
        ids,
        options: { countMax: limits.webhookDeadLettersMax, bytesMax: limits.webhookDeadLettersBytesMax },
      }),
      log,
      options: webhooksOptions(config),
    });
    offlineEvents = await startOfflineEvents({
      config,
      world,
      log,
      store,
      channels,
      conversations,
      ids,
      presence,
      webhooks,
      isRestart,
    });
    const tlsFiles = certificateFiles(config, "tlsConfig");
    const wssFiles = certificateFiles(config, "wssConfig");
    const tlsCertificate = config.tlsAddr === null ? undefined : await readPair(world, tlsFiles);
    const wssCertificate = config.wssAddr === null ? undefined : await readPair(world, wssFiles);
    await gateway.start({
      ...(config.addr === null ? {} : { tcp: config.addr }),
      ...(config.wsAddr === null ? {} : { websocket: config.wsAddr }),
      ...(config.tlsAddr === null || tlsCertificate === undefined
        ? {}
        : { tls: { ...config.tlsAddr, certificate: tlsCertificate } }),
      ...(config.wssAddr === null || wssCertificate === undefined
        ? {}
        : { wss: { ...config.wssAddr, certificate: wssCertificate } }),
    });
    if (workers !== undefined)
      log.info("sockets are held by gateway workers", { event: "gateway.workers", workers: workers.count });
    const listening = gateway;
    const watch = (name: "tls" | "wss", files: CertificateFiles, current: TlsCertificate | undefined): void => {
      if (current === undefined) return;
      const deps = {
        files: world.files,
        timers: world.timers,
        ...files,
        replace: (certificate: TlsCertificate) => listening.replaceCertificate(name, certificate),
        log: {
          replaced: (source: string) =>
            log.info("a new certificate is in use", { event: "certificate.replaced", source }),
          refused: (because: string) =>
            log.error("a new certificate is refused, the old one stays", { event: "certificate.refused", because }),
        },
      };
      certificates.push(new CertificateWatch(deps, current));
    };
    watch("tls", tlsFiles, tlsCertificate);
    watch("wss", wssFiles, wssCertificate);
    samples = new Samples(world, {
      connections: () => listening.live.socketCount,
      sessions: () => presence.count,
      users: () => presence.userCount,
      traffic: () => listening.live.traffic(),
      usage: () => world.processUsage(),
    });
    const sampled = samples;
    const managerAt = managerAddress(config);
    let manager: Listener | undefined;
    const auth = await openManagerAuth({
      config,
      world,
      notKept: (file, error) =>
        log.error("a secret of the manager port cannot be kept: it ends with this process", { file, error }),
    });
    const removals = new Removals(store, world.clock);
    const listing = { showSystem: config.conversation.showSystem, countAll: config.conversation.countAll };
    const recents = new RecentMessages(store, history, {
      countMax: limits.recentsCacheMax,
      bytesMax: limits.recentsCacheBytesMax,
    });
    const chatList = new ChatListReader({
      world,
      conversations,
      channels,
      recents,
      marks: new ReadMarks({ store, channels, conversations, ids }),
      removals,
      options: {
        ...listing,
        ordersMax: limits.listOrdersMax,
        orderBytesMax: limits.listOrdersBytesMax,
      },
    });
    const handOuts = new HandOuts({ countMax: limits.commandHandOutsMax, bytesMax: limits.commandHandOutsBytesMax });
    const admission = new HttpAdmission({
      requestsMax: limits.httpRequestsMax,
      perIp: buckets(rateLimit.httpPerSecond, rateLimit.httpBurst),
    });
    const acked = acks;
    const told = webhooks;
    const metrics = serverMetrics({
      gateway: () => listening.stats(),
      onlineUsers: () => presence.userCount,
      sending: () => sender.stats(),
      fanOut,
      acks: () => acked.stats(),
      store: () => store.stats(),
      caches: () => ({
        channels: channels.stats(),
        conversations: conversations.stats(),
        recents: recents.stats(),
        list_orders: chatList.orderStats(),
        command_hand_outs: handOuts.stats(),
        early_acks: early.stats(),
      }),
      http: () => admission.stats(),
      webhooks: () => told.state(),
      runtime: () => world.runtime.stats(databaseDirectory(config)),
      limits,
      version,
      nodeId: config.cluster.nodeId,
      legacyNames: config.metrics.legacyNames,
      failed,
    });
    const api: Api = createApi({
      world,
      users: sources.users,
      channels: sources.channels,
      history,
      chatList,
      commands: new CommandSync({
        world,
        store,
        channels,
        conversations,
        cursors,
        early,
        handOuts,
      }),
      sending,
      conversations,
      presence,
      outbound: gateway.outbound,
      connections: gateway.live,
      webhooks,
      readiness: () => {
        const reason = drain.isOn ? "the server is stopping" : (store.readOnlyBecause ?? "");
        return { ready: reason === "", reason };
      },
      status: {
        version,
        get managerAddress() {
          return managerAt === null || manager === undefined ? "" : `${managerAt.host}:${manager.port}`;
        },
        uptimeMs: () => world.clock.monotonicMs() - startedMs,
        usage: () => sampled.usage(),
        unacknowledged: () => acked.waitingCount,
      },
      browsing: {
        rows: new RowBrowser(store),
        users: new UserBrowser(store),
        messages: new MessageBrowser({ store, history, clock: world.clock }),
      },
      isLoaded: (channel) => channels.peek(channel) !== undefined,
      auth,
      failedLogins: new FailedLogins(world.clock, limits.failedLoginsMax),
      loginTried: (user, ip) => {
        if (user === undefined) log.warn("a login to the manager port was refused", { ip });
        else log.info("a login to the manager port", { user, ip });
      },
      explainer: new Explainer({
        clock: world.clock,
        standings: new MessageStandings({ store, channels, conversations, history, removals, options: listing }),
        trail,
        notKept,
        acks,
        fanOut,
        presence,
        webhook: webhooks,
        devices: (uid) => users.devices(uid),
        time: timeText,
        options: {
          isCommandSyncOff: config.disableCMDMessageSync,
          resendsMax: config.messageRetry.maxCount,
          pendingAcksMax: limits.pendingAcksMax,
        },
      }),
      metrics: config.metrics.on ? { metrics, token: config.metrics.token } : undefined,
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
    if (config.httpAddr !== null)
      http = await world.http.serve(config.httpAddr, api.routes, { ...api.rules, ...admitting });
    if (managerAt !== null) {
      const series = metricSeriesRoutes({ samples, nodeId: config.cluster.nodeId });
      const managerApi = createManagerApi(api, auth, series);
      manager = await world.http.serve(managerAt, managerApi.routes, { ...managerApi.rules, ...admitting });
      samples.start();
    }
    return { store, gateway, acks, webhooks, offlineEvents, trail, http, manager, samples, drain, certificates };
  } catch (error) {
    samples?.stop();
    await http?.close();
    for (const watch of certificates) watch.stop();
    acks?.stop();
    await gateway?.stop();
    await offlineEvents?.stop();
    await webhooks?.stop();
    await trail?.stop();
    await store.close();
    throw error;
  }
}

/** undefined: one thread does everything. What only workers need is loaded only for them. */
async function loadWorkers({ gateway }: Config, { threads }: World, log: Log) {
  const count = workersFor(gateway.workers, threads);
  if (threads === undefined || count === 0) {
    if (gateway.workers !== "auto" && gateway.workers > 0)
      log.warn("gateway.workers has no effect: threads cannot listen together on this system", {
        event: "gateway.no_workers",
      });
    return undefined;
  }
  const { GatewayWorkers } = await import("./gateway/workers/gateway-workers.ts");
  return { GatewayWorkers, threads, count };
}

/** HTTP first, so that no new send comes in; the store last, so that accepted ones are still answered. */
async function stopParts(parts: Running): Promise<void> {
  const { store, gateway, acks, webhooks, offlineEvents, trail, http, manager, samples, certificates } = parts;
  for (const watch of certificates) watch.stop();
  samples.stop();
  // Whatever fails to close, the store is closed.
  const outcomes: PromiseSettledResult<unknown>[] = await Promise.allSettled([
    http?.close(),
    manager?.close(),
    gateway.stop(),
  ]);
  // The ends of the sessions are still told.
  outcomes.push(...(await Promise.allSettled([offlineEvents.stop()])));
  outcomes.push(...(await Promise.allSettled([webhooks.stop()])));
  acks.stop();
  await trail.stop();
  await store.close();
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

function readPair(world: World, { certFile, keyFile }: CertificateFiles): Promise<TlsCertificate> {
  return readCertificate(world.files, certFile, keyFile);
}

/** As browsers send it: lower case, no slash at the end. */
function originOf(text: string): string {
  return text.toLowerCase().replace(/\/$/, "");
}

/** Ids go on behind the greatest one stored, whatever the clock says today. Whether there was one. */
async function continueIds(ids: IdGenerator, store: Store): Promise<boolean> {
  const lasts = (await lastIds(store)).filter((last) => last !== undefined);
  for (const last of lasts) ids.continueAfter(last);
  return lasts.length > 0;
}
