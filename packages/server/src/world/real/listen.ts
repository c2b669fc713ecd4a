/** What every listening server of this folder does alike: bind, tell the port, stop accepting, name the peer. */
import type { Socket as NetSocket, Server } from "node:net";

/** Connections that wait for `accept` in the kernel; reconnect storms need more than Node's 511. */
const BACKLOG = 4096;

export function bindServer(server: Server, host: string, port: number, reusePort = false): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG, reusePort }, () => {
      server.removeListener("error", reject);
      // An accept that fails (no file descriptor left) is reported here; the peer is gone and the server goes on.
      server.on("error", () => undefined);
      resolve(portOf(server));
    });
  });
}

/** The listening socket is closed within the call; `Server.close` itself would wait for every accepted one. */
export function stopAccepting(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close();
    setImmediate(resolve);
  });
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** undefined: the peer is gone already. */
export function remoteOf(socket: NetSocket): { readonly ip: string; readonly port: number } | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { ip: plainIp(remoteAddress), port: remotePort };
}

/** An IPv4 peer of a dual-stack listener comes as `::ffff:1.2.3.4`. */
export function plainIp(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
