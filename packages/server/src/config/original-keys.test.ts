/** Every key that WuKongIM v2.2.5 reads, or that its sample files name: none of them may stop the start. */
import { expect, test } from "vitest";
import { INERT_KEYS } from "./inert-keys.ts";
import { envName, KNOWN_KEYS, meaningOf, meaningOfVariable } from "./keys.ts";

const GROUPS: Readonly<Record<string, string>> = {
  "": `mode rootDir dataDir addr wsAddr wssAddr httpAddr ginMode tokenAuthOn managerUID managerToken whitelistOffOfPerson
    disableEncryption disableJSONRPC disableCMDMessageSync connIdleTime timingWheelTick timingWheelSize stress violent
    userMsgQueueMaxSize eventPoolSize deliveryMsgPoolSize handlePoolSize pprofOn deadlockCheck oldV1Api migrateStartStep`,
  wssConfig: "certFile keyFile",
  external: "ip tcpAddr wsAddr wssAddr managerAddr apiUrl monitorAddr autoGetExternalIP",
  intranet: "tcpAddr",
  manager: "on addr",
  monitor: "on addr",
  demo: "on addr",
  customerService: "visitorsOn visitorsSuffix",
  channel: "cacheCount createIfNoExist subscriberCompressOfCount onlineCmdChannelId",
  tmpChannel: "suffix cacheCount",
  webhook:
    "httpAddr grpcAddr msgNotifyEventPushInterval msgNotifyEventCountPerPush msgNotifyEventRetryMaxCount focusEvents",
  "agent.webhook": "httpAddr maxPushCount",
  datasource: "addr channelInfoOn",
  conversation: `on syncInterval syncOnce userMaxCount cacheExpire bytesPerSave savePoolSize workerNum
    workerScanInterval`,
  streamCache: "maxMemorySize maxStreams maxChunksPerStream streamTimeout chunkInactivityTimeout cleanupInterval",
  messageRetry: "interval scanInterval maxCount workerCount",
  goPool: "size",
  deliver: "maxRetry",
  reactor: "channel.subCount",
  coreReactor: "subCount",
  tag: "expire",
  db: "shardNum slotShardNum memTableSize",
  plugin: "timeout socketPath install",
  logger: "level dir lineNum traceOn traceMaxMsgCount",
  "logger.loki": "url username password",
  trace: "serviceName serviceHostName prometheusApiUrl",
  auth: "on users superToken kind",
  jwt: "secret expire issuer",
  cluster: `nodeId addr serverAddr apiUrl role seed initNodes slotCount slotReplicaCount channelReplicaCount tickInterval
    heartbeatIntervalTick electionIntervalTick pongMaxTick reqTimeout channelDestoryAfterIdleTick
    channelReactorSubCount slotReactorSubCount on grpcAddr nodes`,
};

const ORIGINAL_KEYS = Object.entries(GROUPS).flatMap(([group, keys]) =>
  keys.split(/\s+/).map((key) => (group === "" ? key : `${group}.${key}`)),
);

test("every key of the original is known or accepted with the warning", () => {
  expect(ORIGINAL_KEYS.length).toBeGreaterThan(100);
  expect(ORIGINAL_KEYS.filter((key) => "didYouMean" in meaningOf(key))).toEqual([]);
  expect(ORIGINAL_KEYS.filter((key) => "didYouMean" in meaningOfVariable(envName(key)))).toEqual([]);
});

test("no key is both known and without effect", () => {
  const known = new Set(KNOWN_KEYS.map((key) => key.name.toLowerCase()));
  expect(INERT_KEYS.filter((key) => known.has(key.toLowerCase()))).toEqual([]);
  const groups = INERT_KEYS.filter((key) => key.endsWith(".*")).map((key) => key.slice(0, -1).toLowerCase());
  expect([...known].filter((key) => groups.some((group) => key.startsWith(group)))).toEqual([]);
});

test("every key that works is the original's, or one of ours that the docs name", () => {
  const original = new Set(ORIGINAL_KEYS);
  const ours = KNOWN_KEYS.map((key) => key.name).filter((name) => !original.has(name) && !name.startsWith("limits."));
  const transports = ["tlsAddr", "tlsConfig.certFile", "tlsConfig.keyFile", "ws.path", "ws.origins"];
  expect(ours).toEqual([
    "store.compression",
    "store.writeBufferBytes",
    ...transports,
    "trustedProxies",
    "proxyProtocol",
    "bench.apiOn",
    "drainTime",
    "allowNoEncrypt",
    "gateway.workers",
    "metrics.on",
    "metrics.token",
    "metrics.legacyNames",
    ...["uid", "channel", "ip", "http"].flatMap((of) => [`rateLimit.${of}PerSecond`, `rateLimit.${of}Burst`]),
    "webhook.secret",
    "webhook.retryIntervalMax",
    "webhook.lagAlarm",
    "webhook.offlineGrace",
    "webhook.offlineUnackedAfter",
    "webhook.offlineAgeMax",
    ...["subscribersOn", "blacklistOn", "whitelistOn", "channelTypes"].map((key) => `datasource.${key}`),
    ...["timeout", "cacheTime", "staleTime"].map((key) => `datasource.${key}`),
    "conversation.showSystem",
    "conversation.countAll",
  ]);
});
