/** Noise on the ports with TLS, and TLS on the plain ones: those connections end, nobody else notices. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { Seeded } from "../harness/seeded.ts";
import { uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { startTransports } from "./transports-server.ts";
import { openTunnel } from "./tunnel.ts";

const STREAMS = 300;
/** The first bytes of a TLS 1.2 client hello; what follows is noise. */
const HELLO = Buffer.from("16030100c8010000c40303", "hex");

test("noise on a TLS port and TLS on a plain port end those connections, and nobody else notices", async () => {
  const random = new Seeded();
  console.log(`WK_SEED=${random.seed}`);
  await using transports = await startTransports({ "limits.unauthenticatedTime": "2s" });
  const { server, tlsPort, wssPort } = transports;
  await using tls = await openTunnel({ to: tlsPort, tls: true });
  await using wss = await openTunnel({ to: wssPort, tls: true });
  const bystanders = [
    await WireClient.connect({ port: tls.port, uid: uniqueId("tls") }),
    await WireClient.connect({ port: wss.port, transport: "websocket", uid: uniqueId("wss") }),
  ];
  const ports = [tlsPort, wssPort, server.tcpPort, server.wsPort];
  const endOf = async (stream: number): Promise<void> => {
    const socket = connect({ host: "127.0.0.1", port: ports[stream % ports.length]! });
    socket.on("error", () => undefined);
    socket.resume();
    const noise = random.bytes(random.below(2_000));
    socket.write(random.chance(0.5) ? Buffer.concat([HELLO, noise]) : noise);
    if (random.chance(0.3)) socket.end();
    await once(socket, "close");
  };
  for (let done = 0; done < STREAMS; done += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => endOf(done + index)));
  }
  for (const bystander of bystanders) expect(await bystander.ping()).toBe(true);
  await bystanders[0]!.sendOk({ to: bystanders[1]!.uid, type: 1, payload: "still here" });
  expect((await bystanders[1]!.takeSome(1))[0]!.payload.toString()).toBe("still here");
  expect(server.exited).toBeUndefined();
  expect(server.output).not.toContain("internal error");
  for (const bystander of bystanders) bystander.close();
});
