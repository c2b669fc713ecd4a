import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleFile } from "./documents.ts";
import { KNOWN_KEYS } from "./keys.ts";
import { type ConfigSources, defaultConfig, formatConfigError, type LoadedConfig, loadConfig } from "./load.ts";
import type { Config } from "./schema.ts";
import { readValue } from "./values.ts";

function load(text: string, env: ConfigSources["env"] = {}, flags: ConfigSources["flags"] = {}): LoadedConfig {
  return loadConfig({ file: { path: "wk.yaml", text }, env, flags });
}

function configOf(loaded: LoadedConfig): Config {
  expect(loaded).toMatchObject({ ok: true });
  return loaded.ok ? loaded.config : defaultConfig();
}

function linesOf(loaded: LoadedConfig): string[] {
  return loaded.ok ? [] : loaded.errors.map(formatConfigError);
}

describe("precedence", () => {
  test("flag over environment over file over default", () => {
    expect(configOf(load("")).mode).toBe("release");
    expect(configOf(load("mode: debug")).mode).toBe("debug");
    expect(configOf(load("mode: debug", { WK_MODE: "bench" })).mode).toBe("bench");
    expect(configOf(load("mode: debug", { WK_MODE: "bench" }, { mode: "release" })).mode).toBe("release");
  });

  test("an empty value does not hide the one below it", () => {
    expect(configOf(load("managerToken: secret", { WK_MANAGERTOKEN: "" })).managerToken).toBe("secret");
    expect(
      configOf(load("messageRetry: {interval: 2s}", { WK_MESSAGERETRY_INTERVAL: "0s" })).messageRetry.intervalMs,
    ).toBe(2000);
  });

  test("false wins over true like any value", () => {
    expect(
      configOf(load("whitelistOffOfPerson: true", { WK_WHITELISTOFFOFPERSON: "false" })).whitelistOffOfPerson,
    ).toBe(false);
  });

  test("a bad value is an error even where it is overridden", () => {
    expect(linesOf(load("mode: relese", { WK_MODE: "debug" }))).toEqual([
      'wk.yaml:1: mode: "relese" is not one of debug, release, bench',
    ]);
  });

  test("variables without WK_ and those of a Kubernetes service called wk are none of ours", () => {
    const env = {
      MODE: "x",
      wk_mode: "x",
      WK_SERVICE_HOST: "10.0.0.1",
      WK_SERVICE_PORT_TCP: "5100",
      WK_PORT: "tcp://10.0.0.1:5100",
      WK_IM_PORT_5100_TCP_ADDR: "10.0.0.1",
      WK_TOKENAUTHON: undefined,
    };
    expect(load("", env)).toEqual({ ok: true, config: defaultConfig(), warnings: [] });
  });
});

describe("the file", () => {
  test("keys may be nested, dotted or both, in any case", () => {
    const config = configOf(
      load("Cluster.NodeId: 7\nLIMITS:\n  Connectionsmax: 8\n  outboxBytesMax: 8MiB\nmessageRetry.interval: 1m"),
    );
    expect(config.cluster.nodeId).toBe(7);
    expect(config.limits.connectionsMax).toBe(8);
    expect(config.limits.outboxBytesMax).toBe(8_388_608);
    expect(config.messageRetry.intervalMs).toBe(60_000);
  });

  test("text that looks like a number stays as it is written", () => {
    expect(configOf(load("managerToken: 00123\nmanagerUID: true")).managerToken).toBe("00123");
  });

  test("an empty file, an empty group and a file of comments change nothing", () => {
    for (const text of ["", "# nothing", "---\n", "external:\n  # ip: x\nlimits:\n"]) {
      expect(load(text)).toEqual({ ok: true, config: defaultConfig(), warnings: [] });
    }
  });

  test("0 and empty are unset for the original's keys, and an error for ours", () => {
    const config = configOf(
      load('connIdleTime: 0\nmessageRetry: {maxCount: 0}\ncluster: {nodeId: 0}\naddr: ""\nrootDir:'),
    );
    expect(config).toEqual(defaultConfig());
    expect(linesOf(load("limits: {connectionsMax: 0}"))).toHaveLength(1);
  });

  test("dataDir follows rootDir unless it is given", () => {
    expect(configOf(load("rootDir: /var/lib/wk/")).dataDir).toBe("/var/lib/wk/data");
    expect(configOf(load("rootDir: /var/lib/wk\ndataDir: /data")).dataDir).toBe("/data");
    expect(configOf(load("rootDir: /")).dataDir).toBe("/data");
  });

  test("off turns a listener off", () => {
    expect(configOf(load("wsAddr: off")).wsAddr).toBeNull();
  });

  test("aliases are followed, one that names itself does not hang", () => {
    expect(configOf(load("mode: &m debug\nmanagerToken: *m")).managerToken).toBe("debug");
    expect(load("cluster: &c\n  nodeId: 3\n  cluster: *c").ok).toBe(false);
  });
});

describe("errors name the key, the place and what was expected", () => {
  test.each([
    ["tokenAuthOm: true", "wk.yaml:1: tokenAuthOm: unknown key; did you mean tokenAuthOn?"],
    [
      "mode: debug\n\nlimits:\n  conectionsMax: 5",
      "wk.yaml:4: limits.conectionsMax: unknown key; did you mean limits.connectionsMax?",
    ],
    ["nodeId: 5", "wk.yaml:1: nodeId: unknown key; did you mean cluster.nodeId?"],
    ["webhook: {httpAdr: x}", "wk.yaml:1: webhook.httpAdr: unknown key; did you mean webhook.httpAddr?"],
    ["zzzzzzzzzz: 1", "wk.yaml:1: zzzzzzzzzz: unknown key"],
    ["zzzzzzzzzz:\n  a: 1\n  b: 2", "wk.yaml:1: zzzzzzzzzz: unknown key"],
    ["tokenAuthOn: maybe", 'wk.yaml:1: tokenAuthOn: "maybe" is not true or false'],
    ["cluster:\n  nodeId: 1024", 'wk.yaml:2: cluster.nodeId: "1024" is not a whole number from 1 to 1023'],
    ["connIdleTime: 1d", 'wk.yaml:1: connIdleTime: "1d" is not a duration as 500ms, 60s, 5m or 1h30m, from 1s to 576h'],
    [
      "connIdleTime: 180",
      'wk.yaml:1: connIdleTime: "180" is not a duration as 500ms, 60s, 5m or 1h30m, from 1s to 576h',
    ],
    [
      "wsAddr: wss://0.0.0.0:5200",
      'wk.yaml:1: wsAddr: "wss://0.0.0.0:5200" is not an address as ws://0.0.0.0:5200, or off',
    ],
    ["wssAddr: nowhere", 'wk.yaml:1: wssAddr: "nowhere" is not an address as wss://0.0.0.0:443, or off'],
    [
      "wssAddr: 0.0.0.0:5210\nwssConfig.keyFile: k.pem",
      "wk.yaml:1: wssConfig.certFile: must be set, because wssAddr is",
    ],
    [
      "tlsAddr: 0.0.0.0:5110\nwssConfig.certFile: c.pem",
      "wk.yaml:1: tlsConfig.keyFile: must be set (or wssConfig), because tlsAddr is",
    ],
    ["proxyProtocol: on", "wk.yaml:1: trustedProxies: must be set, because proxyProtocol is"],
    [
      "trustedProxies: [10.0.0.0/8, 10.0.0.0/33]",
      "wk.yaml:1: trustedProxies: a list is not a list of networks as 10.0.0.0/8 or fd00::/8, or of addresses",
    ],
    ["ws.path: chat", 'wk.yaml:1: ws.path: "chat" is not a path as /ws'],
    [
      "datasource.channelTypes: [2, group]",
      'wk.yaml:1: datasource.channelTypes: "group" is not the number of a channel type',
    ],
    ["datasource.channelTypes: 2 256", 'wk.yaml:1: datasource.channelTypes: "256" is not the number of a channel type'],
    ["mode: [debug]", "wk.yaml:1: mode: a list is not one of debug, release, bench"],
    ["mode: {a: 1}", "wk.yaml:1: mode: a map is not one of debug, release, bench"],
    ["cluster: 5", "wk.yaml:1: cluster: a group of keys, not a key"],
    ["mode: debug\nMode: debug", "wk.yaml:2: Mode: given twice, first at wk.yaml:1"],
    ["- mode", "wk.yaml: not a map of keys and values"],
    [
      "limits:\n  outboxBytesMax: 64KiB",
      "wk.yaml:2: limits.outboxBytesMax: must be at least 2 times limits.payloadBytesMax (2097152 bytes)",
    ],
  ])("%j", (text, line) => {
    expect(linesOf(load(text))).toEqual([line]);
  });

  test("what is no YAML", () => {
    const lines = linesOf(load("mode: debug\naddr: [1\nmode: release"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines[0]).toMatch(/^wk\.yaml:[23]: not YAML: /);
  });

  test("the environment and the command line are named too", () => {
    expect(linesOf(load("", { WK_TOKENAUTHOM: "1", WK_LIMITS_CONNECTIONSMAX: "many" }, { mode: "fast" }))).toEqual([
      "environment: WK_TOKENAUTHOM: unknown key; did you mean WK_TOKENAUTHON?",
      'environment: WK_LIMITS_CONNECTIONSMAX: "many" is not a whole number from 1 to 1000000000',
      'command line: mode: "fast" is not one of debug, release, bench',
    ]);
  });

  test("all of them come at once", () => {
    expect(linesOf(load("a: 1\nmode: b\nc: 2"))).toHaveLength(3);
  });
});

test("keys without effect give one warning with all their names, and their values are not looked at", () => {
  const loaded = load("cluster: {seed: [1], addr: {a: b}}\ngoPool: {size: x, deep: {a: 1}}\nauth:\n  kind: [a, b]", {
    WK_CLUSTER_SEED: "x",
    WK_PLUGIN_INSTALL: "a b",
  });
  expect(loaded).toMatchObject({
    ok: true,
    warnings: [
      "without effect here: cluster.seed, cluster.addr, goPool.size, goPool.deep, auth.kind, WK_CLUSTER_SEED, WK_PLUGIN_INSTALL",
    ],
  });
});

describe("the users of the manager port", () => {
  test("come from a list in the file or from words in the environment", () => {
    const file = load("auth:\n  users:\n    - 'admin:s3:cret:*'\n    - guest:guest:[*:r,conn:rw]");
    const environment = load("", { WK_AUTH_USERS: "admin:s3:cret:* guest:guest:[*:r,conn:rw]" });
    for (const loaded of [file, environment])
      expect(loaded).toMatchObject({
        ok: true,
        config: { auth: { users: ["admin:s3:cret:*", "guest:guest:[*:r,conn:rw]"] } },
      });
  });

  test.each(["a:pwd", "a:s3cret:[x]", "a:s3cret:[x:rx]", ":s3cret:*", "a::*", "a:s3cret:[x:r"])(
    "%s is none, and the error does not repeat the password",
    (user) => {
      for (const loaded of [load("", { WK_AUTH_USERS: user }), load(`auth.users: ["${user}"]`)]) {
        const lines = linesOf(loaded);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toContain("the value is not a list of users");
        expect(lines[0]).not.toContain("s3cret");
      }
    },
  );
});

test("the secret that everybody knows is refused", () => {
  expect(linesOf(load("jwt: {secret: ' secret_wukongim '}"))).toEqual([
    expect.stringMatching(/^wk\.yaml:1: jwt\.secret: is the public default of WuKongIM/),
  ]);
  expect(load("jwt: {secret: another secret}")).toMatchObject({ ok: true });
});

test("a login may last longer than a timer can wait", () => {
  expect(load("")).toMatchObject({ config: { jwt: { expireMs: 30 * 86_400_000 } } });
  expect(load("jwt: {expire: 8760h}")).toMatchObject({ config: { jwt: { expireMs: 365 * 86_400_000 } } });
});

test("every default can be read", () => {
  const broken = KNOWN_KEYS.filter(({ field }) => readValue(field, field.default) === undefined);
  expect(broken.map(({ name }) => name)).toEqual([]);
});

test("no text in the file or the environment makes it throw", () => {
  const example = exampleFile();
  const damaged = fc
    .array(fc.tuple(fc.nat(example.length), fc.nat(20), fc.string({ unit: "binary", maxLength: 8 })), { maxLength: 4 })
    .map((cuts) =>
      cuts.reduce((text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length), example),
    );
  const text = fc.oneof(damaged, fc.string({ unit: "binary" }), fc.json());
  const env = fc.dictionary(fc.constantFrom("WK_MODE", "WK_ADDR", "WK_X", "WK_LIMITS_OUTBOXBYTESMAX"), fc.string());
  fc.assert(
    fc.property(text, env, (file, variables) => {
      const loaded = load(file, variables);
      expect(loaded.ok || loaded.errors.length > 0).toBe(true);
    }),
    { numRuns: 300 },
  );
});

describe("the files that the conformance tool writes", () => {
  interface Tree {
    [key: string]: unknown;
    tokenAuthOn?: boolean;
    whitelistOffOfPerson?: boolean;
    managerToken?: string;
  }
  const configs: Readonly<Record<string, Tree>> = JSON.parse(
    readFileSync(new URL("../../../../tests/conformance/configs.json", import.meta.url), "utf8").replaceAll(
      "{hook}",
      "http://127.0.0.1:5302/hook",
    ),
  );

  /** The same notation: nested maps, strings in JSON's quotes. */
  function nestedYaml(tree: Tree, indent = ""): string {
    return Object.entries(tree)
      .map(([key, value]) =>
        typeof value === "object" && value !== null
          ? `${indent}${key}:\n${nestedYaml({ ...value }, `${indent}  `)}`
          : `${indent}${key}: ${typeof value === "string" ? JSON.stringify(value) : String(value)}\n`,
      )
      .join("");
  }

  test.each(Object.entries(configs))("%s", (_name, settings) => {
    const groups: Record<string, Tree> = {
      external: { ip: "127.0.0.1", tcpAddr: "127.0.0.1:5102", wsAddr: "ws://127.0.0.1:5202" },
      intranet: { tcpAddr: "127.0.0.1:5102" },
      manager: { on: true, addr: "127.0.0.1:5302" },
      demo: { on: false, addr: "127.0.0.1:5172" },
      cluster: { addr: "tcp://127.0.0.1:11110", serverAddr: "127.0.0.1:11110", apiUrl: "http://127.0.0.1:5002" },
      plugin: { socketPath: "/tmp/p.sock" },
      logger: { level: 3, dir: "/tmp/logs" },
    };
    const tree: Tree = {
      mode: "release",
      addr: "tcp://127.0.0.1:5102",
      httpAddr: "127.0.0.1:5002",
      wsAddr: "ws://127.0.0.1:5202",
      rootDir: "/tmp/data",
      ...groups,
    };
    for (const [key, value] of Object.entries(settings)) {
      const [group = "", leaf] = key.split(".");
      if (leaf === undefined) tree[group] = value;
      else {
        groups[group] = { ...groups[group], [leaf]: value };
        tree[group] = groups[group];
      }
    }
    const config = configOf(load(nestedYaml(tree)));
    expect(config.addr).toEqual({ host: "127.0.0.1", port: 5102 });
    expect(config.logger).toEqual({ level: 3, dir: "/tmp/logs" });
    expect(config.tokenAuthOn).toBe(settings.tokenAuthOn ?? false);
    expect(config.whitelistOffOfPerson).toBe(settings.whitelistOffOfPerson ?? true);
    expect(config.managerToken).toBe(settings.managerToken ?? "");
  });
});

test("as it comes, no rate limit is near what one machine carries from one address", () => {
  const { rateLimit } = defaultConfig();
  // 60,000 messages a second of 50 users: each far below his ceiling, and nothing else is counted.
  expect(rateLimit.uidPerSecond).toBeGreaterThanOrEqual((60_000 / 50) * 40);
  expect(rateLimit.uidBurst).toBeGreaterThanOrEqual(rateLimit.uidPerSecond);
  expect([rateLimit.channelPerSecond, rateLimit.ipPerSecond, rateLimit.httpPerSecond]).toEqual([0, 0, 0]);
});
