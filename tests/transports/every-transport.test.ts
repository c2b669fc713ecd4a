/** The same clients over tcp, tcp with TLS, ws and wss, plain or behind PROXY headers, talk to each other. */
import { expect, test } from "vitest";
import { uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { startTransports, type TransportsServer } from "./transports-server.ts";
import { openTunnel, type TunnelOptions } from "./tunnel.ts";

const V1 = Buffer.from("PROXY TCP4 203.0.113.7 127.0.0.1 40000 5100\r\n");
const V2 = Buffer.from("0d0a0d0a000d0a515549540a2111000ccb0071077f0000019c4013ec", "hex");
const BEHIND_PROXY = { proxyProtocol: true, trustedProxies: "127.0.0.1" };

function ways({ server, tlsPort, wssPort }: TransportsServer) {
  return [
    { transport: "tcp", to: server.tcpPort, tls: false },
    { transport: "tcp", to: tlsPort, tls: true },
    { transport: "websocket", to: server.wsPort, tls: false },
    { transport: "websocket", to: wssPort, tls: true },
  ] as const;
}

/** A message of one byte and one of several TLS records. */
async function talk(one: WireClient, other: WireClient): Promise<void> {
  for (const payload of ["x", "y".repeat(60_000)]) {
    const number = uniqueId("no");
    await one.sendOk({ to: other.uid, type: 1, payload, clientMsgNo: number });
    const got = await other.takeSome(1);
    expect(got.map((message) => message.payload.toString() === payload && message.fromUid === one.uid)).toEqual([true]);
  }
  expect([...one.faults, ...other.faults]).toEqual([]);
}

test("a message goes from every transport to every other", async () => {
  await using transports = await startTransports();
  await using stack = new AsyncDisposableStack();
  const clients: WireClient[] = [];
  for (const { transport, ...tunnel } of ways(transports)) {
    const { port } = stack.use(await openTunnel(tunnel));
    clients.push(await WireClient.connect({ port, transport, uid: uniqueId("u") }));
  }
  for (const one of clients) for (const other of clients) if (one !== other) await talk(one, other);
  const route = await transports.server.http.get("/route");
  expect(JSON.parse(route.text)).toMatchObject({ wss_addr: `wss://127.0.0.1:${transports.wssPort}` });
  for (const client of clients) client.close();
});

test("behind PROXY headers of both versions every transport works, wherever the header is split", async () => {
  await using transports = await startTransports(BEHIND_PROXY);
  await using stack = new AsyncDisposableStack();
  const reader = stack.use(await openTunnel({ to: transports.server.tcpPort, header: V1 }));
  const other = await WireClient.connect({ port: reader.port, uid: uniqueId("reader") });
  for (const { transport, ...tunnel } of ways(transports)) {
    for (const header of [V1, V2]) {
      // Every byte where it costs one packet only; a handshake for each would say nothing new.
      const splits = tunnel.tls ? [1, 6, 12, 16, header.length] : Array.from(header, (_, index) => index + 1);
      for (const splitAt of splits) {
        const options: TunnelOptions = { ...tunnel, header, splitAt };
        await using through = await openTunnel(options);
        const client = await WireClient.connect({ port: through.port, transport, uid: uniqueId("u") });
        if (splitAt % 10 === 1) await talk(client, other);
        client.close();
      }
    }
  }
  other.close();
});

test("a header that is not expected, or is expected and missing, ends that connection only", async () => {
  await using plain = await startTransports({ "limits.unauthenticatedTime": "2s" });
  await using proxied = await startTransports({ ...BEHIND_PROXY, "limits.unauthenticatedTime": "2s" });
  for (const { server, header } of [
    { server: plain, header: V1 },
    { server: plain, header: V2 },
    { server: proxied },
  ]) {
    for (const { transport, ...tunnel } of ways(server)) {
      // What looks like an unfinished frame waits for the rest, up to the time for CONNECT.
      await using through = await openTunnel({ ...tunnel, ...(header === undefined ? {} : { header }) });
      const client = WireClient.connect({ port: through.port, transport, uid: uniqueId("u") });
      await expect(client).rejects.toThrow();
    }
  }
  await using good = await openTunnel({ to: plain.tlsPort, tls: true });
  (await WireClient.connect({ port: good.port, uid: uniqueId("u") })).close();
});
