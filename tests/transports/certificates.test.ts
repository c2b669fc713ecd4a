/** R-62 and the renewal of certificates while clients are connected. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { ServerProcess, temporaryDirectory } from "../harness/server-process.ts";
import { delay, eventually, uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { startTransports } from "./transports-server.ts";
import { openTunnel } from "./tunnel.ts";

test("a new certificate is shown without a restart, a broken one is not, and nobody is cut", async () => {
  await using transports = await startTransports();
  const { server } = transports;
  for (const [to, transport] of [
    [transports.tlsPort, "tcp"],
    [transports.wssPort, "websocket"],
  ] as const) {
    await using tunnel = await openTunnel({ to, tls: true });
    const first = await WireClient.connect({ port: tunnel.port, transport, uid: uniqueId("u") });
    const shown = async (): Promise<string> => {
      const client = await WireClient.connect({ port: tunnel.port, transport, uid: uniqueId("u") });
      client.close();
      return tunnel.certificateName;
    };
    expect(await shown()).toBe("wukong-ts test only first");
    const refusals = server.output.split("is refused").length;
    transports.install("second", "first");
    await eventually(() => server.output.split("is refused").length > refusals || undefined, "the refusal is logged");
    expect(await shown()).toBe("wukong-ts test only first");
    transports.install("second");
    while ((await shown()) !== "wukong-ts test only second") await delay(100);
    transports.install("first");
    while ((await shown()) !== "wukong-ts test only first") await delay(100);
    expect(await first.ping()).toBe(true);
    first.close();
  }
});

test("R-62: without a usable certificate the start fails with one line that names it", async () => {
  using folder = temporaryDirectory();
  const certificates = join(import.meta.dirname, "../certificates");
  const first = { cert: join(certificates, "first.cert.pem"), key: join(certificates, "first.key.pem") };
  const missing = join(folder.path, "none.pem");
  const wss = { wssAddr: "wss://127.0.0.1:0" };
  const tls = { tlsAddr: "tls://127.0.0.1:0" };
  for (const [settings, line] of [
    [wss, /: wssConfig\.certFile: must be set, because wssAddr is\n.*: wssConfig\.keyFile: must be set/],
    [{ ...tls, "tlsConfig.certFile": first.cert }, /: tlsConfig\.keyFile: must be set \(or wssConfig\)/],
    [{ ...wss, "wssConfig.certFile": missing, "wssConfig.keyFile": first.key }, /none\.pem: no such file$/m],
    [{ ...wss, "wssConfig.certFile": folder.path, "wssConfig.keyFile": first.key }, /: cannot be read: EISDIR/],
    [{ ...wss, "wssConfig.certFile": first.key, "wssConfig.keyFile": first.key }, /no usable certificate and key: /],
    [
      { ...tls, "tlsConfig.certFile": first.cert, "tlsConfig.keyFile": join(certificates, "second.key.pem") },
      /first\.cert\.pem and .*second\.key\.pem: no usable certificate and key: /,
    ],
  ] as const) {
    const server = await ServerProcess.launch({ settings });
    try {
      expect((await server.waitForExit()).code).toBe(1);
      expect(server.output).toMatch(line);
      expect(server.output).not.toMatch(/\n\s+at /);
    } finally {
      await server.dispose();
    }
  }
});
