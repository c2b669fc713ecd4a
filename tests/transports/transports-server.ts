/** A server with every listener that clients have, and certificates in a folder of the test. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { claimPorts, releasePort } from "../harness/ports.ts";
import { ServerProcess, type Settings, temporaryDirectory } from "../harness/server-process.ts";

export interface TransportsServer extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly tlsPort: number;
  readonly wssPort: number;
  /** Puts other files in the place of the certificate and its key. */
  install(certificate: "first" | "second", key?: "first" | "second"): void;
}

const CERTIFICATES = fileURLToPath(new URL("../certificates", import.meta.url));

export async function startTransports(settings: Settings = {}): Promise<TransportsServer> {
  const folder = temporaryDirectory();
  const install = (certificate: string, key = certificate): void => {
    copyFileSync(join(CERTIFICATES, `${certificate}.cert.pem`), join(folder.path, "cert.pem"));
    copyFileSync(join(CERTIFICATES, `${key}.key.pem`), join(folder.path, "key.pem"));
  };
  install("first");
  const ports = await claimPorts(2);
  const [tlsPort, wssPort] = [ports[0]!, ports[1]!];
  const server = await ServerProcess.start({
    settings: {
      tlsAddr: `tls://127.0.0.1:${tlsPort}`,
      wssAddr: `wss://127.0.0.1:${wssPort}`,
      "wssConfig.certFile": join(folder.path, "cert.pem"),
      "wssConfig.keyFile": join(folder.path, "key.pem"),
      ...settings,
    },
  });
  return {
    server,
    tlsPort,
    wssPort,
    install,
    async [Symbol.asyncDispose]() {
      await server.dispose();
      for (const port of ports) releasePort(port);
      folder[Symbol.dispose]();
    },
  };
}
