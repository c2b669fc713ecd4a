/** Limits by address count the client that the proxy names, and nobody can name another one himself. */
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { startTransports } from "./transports-server.ts";
import { openTunnel } from "./tunnel.ts";

const headerOf = (ip: string): Uint8Array => Buffer.from(`PROXY TCP4 ${ip} 127.0.0.1 40000 5100\r\n`);

test("three connections of one address are the most, over all transports, however many come through the proxy", async () => {
  await using transports = await startTransports({
    proxyProtocol: true,
    trustedProxies: "127.0.0.0/8",
    "limits.connectionsPerIpMax": 3,
  });
  const { server, tlsPort, wssPort } = transports;
  await using stack = new AsyncDisposableStack();
  const connect = async (ip: string, to: number, transport: "tcp" | "websocket", tls: boolean) => {
    const { port } = stack.use(await openTunnel({ to, tls, header: headerOf(ip) }));
    return WireClient.connect({ port, transport, uid: uniqueId("u") });
  };
  for (const ip of ["203.0.113.1", "203.0.113.2", "203.0.113.3"]) {
    const clients = [
      await connect(ip, server.tcpPort, "tcp", false),
      await connect(ip, tlsPort, "tcp", true),
      await connect(ip, wssPort, "websocket", true),
    ];
    await expect(connect(ip, server.tcpPort, "tcp", false)).rejects.toThrow();
    await expect(connect(ip, server.wsPort, "websocket", false)).rejects.toThrow();
    for (const client of clients) expect(await client.ping()).toBe(true);
  }
});

test("X-Forwarded-For counts only when it comes from a trusted proxy", async () => {
  const fifth = async (settings: Record<string, string>): Promise<boolean> => {
    await using transports = await startTransports({ ...settings, "limits.connectionsPerIpMax": 4 });
    const sockets: WebSocket[] = [];
    const outcomes: boolean[] = [];
    for (let number = 1; number <= 5; number++) {
      const socket = new WebSocket(`ws://127.0.0.1:${transports.server.wsPort}/`, {
        headers: { "X-Forwarded-For": `9.9.9.9, 203.0.113.${number}` },
      });
      sockets.push(socket);
      socket.on("error", () => undefined);
      outcomes.push(
        await new Promise<boolean>((resolve) => {
          socket.once("close", () => resolve(false));
          socket.once("open", () => {
            socket.once("pong", () => resolve(true));
            socket.ping();
          });
        }),
      );
    }
    for (const socket of sockets) socket.terminate();
    expect(outcomes.slice(0, 4)).toEqual([true, true, true, true]);
    return outcomes[4]!;
  };
  expect(await fifth({ trustedProxies: "127.0.0.1" })).toBe(true);
  expect(await fifth({})).toBe(false);
  expect(await fifth({ trustedProxies: "10.0.0.0/8" })).toBe(false);
});
