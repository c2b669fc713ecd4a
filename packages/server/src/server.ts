/**
 * The composition root: the only file that knows all parts. It builds them from one configuration and one world, starts
 * them in order and stops them in the other.
 */
import { createSealer, warmUp } from "@wukong-ts/sealing";
import { type Api, createApi } from "./api/http-server.ts";
import { type CertificateFiles, certificateFiles } from "./config/certificate-files.ts";
import { databaseDirectory } from "./config/database-directory.ts";
import { routeAddresses } from "./config/route-addresses.ts";
import type { Config } from "./config/schema.ts";
import { createFanOut, FAN_OUT_DEFAULTS, type FanOut } from "./delivery/fan-out.ts";
import { PENDING_ACKS_DEFAULTS, PendingAcks } from "./delivery/pending-acks.ts";
import { Presence } from "./delivery/presence.ts";
import { CertificateWatch, readCertificate } from "./gateway/certificate-watch.ts";
import { createGateway, type Gateway } from "./gateway/gateway.ts";
import { GATEWAY_DEFAULTS, type GatewayOptions } from "./gateway/gateway-options.ts";
import { LocalCore } from "./gateway/local-core.ts";
import { workersFor } from "./gateway/workers/worker-count.ts";
import { ChannelAdmin } from "./messaging/channel-admin.ts";
import { ChannelCache } from "./messaging/channel-cache.ts";
import { ChatListReader } from "./messaging/chat-list-reader.ts";
import { CommandCursors } from "./messaging/command-cursors.ts";
import { CommandSync } from "./messaging/command-sync.ts";
import { Conversations } from "./messaging/conversations.ts";
import { EarlyAcks } from "./messaging/early-acks.ts";
import { HandOuts } from "./messaging/hand-outs.ts";
import { IdGenerator } from "./messaging/ids.ts";
import { MessageHistory } from "./messaging/message-history.ts";
import { ReadMarks } from "./messaging/read-marks.ts";
import { ChannelReceivers } from "./messaging/receivers.ts";
import { RecentMessages } from "./messaging/recent-messages.ts";
import { Removals } from "./messaging/removals.ts";
import { Sender } from "./messaging/sending.ts";
import { UserDirectory } from "./messaging/user-directory.ts";
import type { Log } from "./observe/log.ts";
import { SHARD_COUNT } from "./store/shards.ts";
import { Store } from "./store/store.ts";
import { lastIdOfKey, messageIdsTable, tableRange } from "./store/tables.ts";
import type { Listener, TlsCertificate, World } from "./world/world.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly world: World;
  readonly log: Log;
}

export interface ServerAddresses {
  readonly tcpPort: number | undefined;
  readonly tlsPort: number | undefined;
  readonly websocketPort: number | undefined;
  readonly wssPort: number | undefined;
  readonly httpPort: number | undefined;
}

export interface Server {
  /** Rejects with a `StoreOpenError`, or when an address is taken; nothing is left open then. */
  start(): Promise<void>;
  /** Accepted sends are answered, sessions closed with a reason, the store closed. Idempotent; leaves no handle open. */
  stop(): Promise<void>;
  readonly addresses: ServerAddresses;
}

export function createServer(options: ServerOptions): Server {
  let running: Running | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    running = await startParts(options);
  };
  const stop = async (): Promise<void> => {
    // A start that fails has closed what it had opened, and its caller has the error.
    await starting?.catch(() => undefined);
    if (running !== undefined) await stopParts(running);
  };
  return {
    start() {
      starting ??= start();
      return starting;
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
    get addresses() {
      return {
        tcpPort: running?.gateway.ports.tcp,
        tlsPort: running?.gateway.ports.tls,
        websocketPort: running?.gateway.ports.websocket,
        wssPort: running?.gateway.ports.wss,
        httpPort: running?.http?.port,
      };
    },
  };
}

interface Running {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly acks: PendingAcks;
  readonly http: Listener | undefined;
  readonly certificates: readonly CertificateWatch[];
}

async function startParts({ config, world, log }: ServerOptions): Promise<Running> {
  const { limits } = config;
  const sealer = createSealer();
  const workers = await loadWorkers(config, world, log);
  if (!config.disableEncryption) {
    if (workers === undefined) warmUp(sealer);
    if (sealer.kind === "wasm") log.debug("messages are sealed in WebAssembly");
    else log.warn("messages are sealed with node:crypto, which takes several times as long");
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
      if (because === null) log.info("the store takes writes again");
      else log.error("the store is read-only", { because });
    },
  });
  let gateway: Gateway | undefined;
  let acks: PendingAcks | undefined;
  const certificates: CertificateWatch[] = [];
  try {
    const ids = new IdGenerator(world.clock, config.cluster.nodeId);
    await continueIds(ids, store);
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
    const history = new MessageHistory(store, channels, world.clock);
    const failed = (error: unknown): void => log.error("an internal error", { error });
    const presence = new Presence();
    acks = new PendingAcks({
      clock: world.clock,
      timers: world.timers,
      history,
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
    const sending = new Sender({
      clock: world.clock,
      store,
      channels,
      conversations,
      ids,
      isSystem: (uid) => users.isSystem(uid),
      failed,
      deliver: (messages) => fanOut?.push(messages),
      isDeliveryFull: () =>
        fanOut !== undefined &&
        (fanOut.backlogMessages >= limits.fanOutMessagesMax ||
          fanOut.backlogBytes >= limits.fanOutBytesMax ||
          gateway?.isBehind === true),
      options: {
        personAllowListOff: config.whitelistOffOfPerson,
        payloadBytesMax: limits.payloadBytesMax,
        batchBytesMax: limits.commitBatchBytesMax,
      },
    });
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
      ids,
      failed,
      closed: (reason, uid, ip) => {
        const details = { reason, uid, ip };
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
              log.error("a gateway worker has ended", { error, connections, againInMs }),
          });
    fanOut = createFanOut({
      clock: world.clock,
      timers: world.timers,
      receivers: new ChannelReceivers(channels),
      presence,
      outbound: gateway.outbound,
      acks,
      failed,
      options: {
        ...FAN_OUT_DEFAULTS,
        sliceReceiversMax: limits.fanOutSliceReceivers,
        backlogMessagesMax: limits.fanOutMessagesMax * 2,
        backlogBytesMax: limits.fanOutBytesMax * 2,
      },
    });
    const pushed = fanOut;
    store.feed.tail((messages) => pushed.push(messages));
    acks.start(gateway.outbound);
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
    if (workers !== undefined) log.info("sockets are held by gateway workers", { workers: workers.count });
    const listening = gateway;
    const watch = (name: "tls" | "wss", files: CertificateFiles, current: TlsCertificate | undefined): void => {
      if (current === undefined) return;
      const deps = {
        files: world.files,
        timers: world.timers,
        ...files,
        replace: (certificate: TlsCertificate) => listening.replaceCertificate(name, certificate),
        log: {
          replaced: (source: string) => log.info("a new certificate is in use", { source }),
          refused: (because: string) => log.error("a new certificate is refused, the old one stays", { because }),
        },
      };
      certificates.push(new CertificateWatch(deps, current));
    };
    watch("tls", tlsFiles, tlsCertificate);
    watch("wss", wssFiles, wssCertificate);
    const api: Api = createApi({
      world,
      users,
      channels: new ChannelAdmin({ clock: world.clock, store, channels, conversations, ids }),
      history,
      chatList: new ChatListReader({
        world,
        conversations,
        channels,
        recents: new RecentMessages(store, history, {
          countMax: limits.recentsCacheMax,
          bytesMax: limits.recentsCacheBytesMax,
        }),
        marks: new ReadMarks({ store, channels, conversations, ids }),
        removals: new Removals(store, world.clock),
        options: {
          showSystem: config.conversation.showSystem,
          countAll: config.conversation.countAll,
          ordersMax: limits.listOrdersMax,
          orderBytesMax: limits.listOrdersBytesMax,
        },
      }),
      commands: new CommandSync({
        world,
        store,
        channels,
        conversations,
        cursors,
        early,
        handOuts: new HandOuts({ countMax: limits.commandHandOutsMax, bytesMax: limits.commandHandOutsBytesMax }),
      }),
      sending,
      conversations,
      presence,
      outbound: gateway.outbound,
      connections: gateway.live,
      readiness: () => ({ ready: store.readOnlyBecause === null, reason: store.readOnlyBecause ?? "" }),
      handlerFailed: (error, request) => log.error("an HTTP handler failed", { error, path: request.path }),
      options: {
        managerToken: config.managerToken,
        bodyBytesMax: limits.httpBodyBytesMax,
        payloadBytesMax: limits.payloadBytesMax,
        onlineCommandChannelId: config.channel.onlineCmdChannelId,
        commandSyncOff: config.disableCMDMessageSync,
        addresses: routeAddresses(config, gateway.ports),
        nodeId: config.cluster.nodeId,
      },
    });
    const http = config.httpAddr === null ? undefined : await world.http.serve(config.httpAddr, api.routes, api.rules);
    return { store, gateway, acks, http, certificates };
  } catch (error) {
    for (const watch of certificates) watch.stop();
    acks?.stop();
    await gateway?.stop();
    await store.close();
    throw error;
  }
}

/** undefined: one thread does everything. What only workers need is loaded only for them. */
async function loadWorkers({ gateway }: Config, { threads }: World, log: Log) {
  const count = workersFor(gateway.workers, threads);
  if (threads === undefined || count === 0) {
    if (gateway.workers !== "auto" && gateway.workers > 0)
      log.warn("gateway.workers has no effect: threads cannot listen together on this system");
    return undefined;
  }
  const { GatewayWorkers } = await import("./gateway/workers/gateway-workers.ts");
  return { GatewayWorkers, threads, count };
}

/** HTTP first, so that no new send comes in; the store last, so that accepted ones are still answered. */
async function stopParts({ store, gateway, acks, http, certificates }: Running): Promise<void> {
  for (const watch of certificates) watch.stop();
  // Whatever fails to close, the store is closed.
  const outcomes = await Promise.allSettled([http?.close(), gateway.stop()]);
  acks.stop();
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

/** Ids go on behind the greatest one stored, whatever the clock says today. */
async function continueIds(ids: IdGenerator, store: Store): Promise<void> {
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
  const lasts = await Promise.all(
    shards.map((shard) => store.rangeKeys({ ...tableRange(messageIdsTable, shard), reverse: true, limit: 1 })),
  );
  for (const [last] of lasts) if (last !== undefined) ids.continueAfter(lastIdOfKey(last));
}
