import { expect, test } from "vitest";
import { defaultConfig, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { StoreOpenError } from "../store/engine.ts";
import { BadCertificate } from "../world/world.ts";
import { type Startup, startFailureLine, startupLines } from "./startup-lines.ts";

function startup(config: Config, changes: Partial<Startup> = {}): Startup {
  return {
    version: "1.2.3",
    nodeVersion: "24.0.0",
    config,
    ports: {
      tcpPort: config.addr?.port,
      tlsPort: config.tlsAddr?.port,
      websocketPort: config.wsAddr?.port,
      wssPort: config.wssAddr?.port,
      httpPort: config.httpAddr?.port,
      managerPort: config.manager.addr?.port,
    },
    dataDirectory: "/data",
    configFile: undefined,
    passwordFile: config.auth.users.length === 0 ? "/data/manager-password" : undefined,
    warnings: [],
    readyMs: 312.4,
    ...changes,
  };
}

function configured(text: string): Config {
  const loaded = loadConfig({ file: { path: "wk.yaml", text }, env: {}, flags: {} });
  return loaded.ok ? loaded.config : expect.unreachable(JSON.stringify(loaded.errors));
}

test("the defaults are shown as what they are: open", () => {
  expect(startupLines(startup(defaultConfig()))).toEqual([
    "wukong-ts 1.2.3 on Node 24.0.0, node id 1001, ready in 313 ms",
    "  TCP        tcp://0.0.0.0:5100",
    "  WebSocket  ws://0.0.0.0:5200",
    "  HTTP API   http://0.0.0.0:5001",
    "  manager    http://0.0.0.0:5300, user admin, password in /data/manager-password",
    "  data       /data",
    "insecure: tokenAuthOn is false: anyone can connect as any user",
    "insecure: managerToken is not set: whoever reaches the HTTP API can read and send everything",
    "insecure: listening on all interfaces without TLS: keep it behind a firewall or a TLS proxy",
  ]);
});

test("nothing is called insecure where nothing is, and no secret is shown", () => {
  const config = configured(
    "tokenAuthOn: true\nmanagerToken: s3cret\naddr: 127.0.0.1:0\nwsAddr: 'ws://[::1]:5200'\nhttpAddr: off\n" +
      "manager.addr: 127.0.0.1:5300\nauth.users: [admin:s3cret:*]\njwt.secret: s3cret-of-at-least-16",
  );
  const ports = { ...startup(config).ports, tcpPort: 40123 };
  const lines = startupLines(startup(config, { ports }));
  expect(lines.slice(1)).toEqual([
    "  TCP        tcp://127.0.0.1:40123",
    "  WebSocket  ws://[::1]:5200",
    "  manager    http://127.0.0.1:5300",
    "  data       /data",
  ]);
});

const TLS = "tlsAddr: 0.0.0.0:5110\nwssAddr: 0.0.0.0:5210\nwssConfig: {certFile: c.pem, keyFile: k.pem}\n";

test("listeners with TLS are shown beside the plain ones, and are not insecure", () => {
  const secret =
    "manager.on: false\ntokenAuthOn: true\nmanagerToken: s3cret\nhttpAddr: 127.0.0.1:5001\ndisableEncryption: true\n";
  const plainToo = configured(`${TLS}${secret}addr: 127.0.0.1:5100\nwsAddr: 127.0.0.1:5200`);
  expect(startupLines(startup(plainToo)).slice(1)).toEqual([
    "  TCP        tcp://127.0.0.1:5100 tls://0.0.0.0:5110",
    "  WebSocket  ws://127.0.0.1:5200 wss://0.0.0.0:5210",
    "  HTTP API   http://127.0.0.1:5001",
    "  data       /data",
    "insecure: disableEncryption: messages travel as plain text",
  ]);
  const tlsOnly = configured(`${TLS}${secret}addr: off\nwsAddr: off`);
  expect(startupLines(startup(tlsOnly)).slice(1)).toEqual([
    "  TCP        tls://0.0.0.0:5110",
    "  WebSocket  wss://0.0.0.0:5210",
    "  HTTP API   http://127.0.0.1:5001",
    "  data       /data",
  ]);
});

test("fourteen lines are the most, whatever is configured", () => {
  for (const tokenAuthOn of [true, false]) {
    const config = configured(
      `${TLS}tokenAuthOn: ${tokenAuthOn}\ncustomerService.visitorsOn: true\ndisableEncryption: true\ntrustedProxies: 0.0.0.0/0\njwt.secret: short`,
    );
    const lines = startupLines(
      startup(config, { configFile: "/etc/wk.yaml", warnings: ["without effect here: a, b"] }),
    );
    expect(lines.length).toBeGreaterThan(9);
    expect(lines.length).toBeLessThanOrEqual(14);
  }
});

test("what keeps a server from starting is one line", () => {
  const listenError = Object.assign(new Error("listen EADDRINUSE: address already in use :::5100"), {
    code: "EADDRINUSE",
    syscall: "listen",
    address: "::",
    port: 5100,
  });
  expect(startFailureLine(listenError)).toBe("cannot listen on [::]:5100: another program uses this port (EADDRINUSE)");
  const hostError = Object.assign(new Error("x"), { code: "ENOTFOUND", syscall: "getaddrinfo", hostname: "nowhere" });
  expect(startFailureLine(hostError)).toBe("cannot listen on nowhere: no such host (ENOTFOUND)");
  expect(startFailureLine(new StoreOpenError("locked", "the data directory /d is in use by another process"))).toBe(
    "the data directory /d is in use by another process",
  );
  expect(startFailureLine(new BadCertificate("/c.pem: no such file"))).toBe("/c.pem: no such file");
  expect(startFailureLine(new TypeError("a bug"))).toBeUndefined();
  expect(startFailureLine("thrown text")).toBeUndefined();
});
