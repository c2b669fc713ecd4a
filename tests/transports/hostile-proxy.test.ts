/** PROXY headers with faults, on ports where every connection must have one. WK_SEED repeats a run. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { Seeded } from "../harness/seeded.ts";
import { uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { mutated } from "../hostile-input/mutated.ts";
import { startTransports } from "./transports-server.ts";
import { openTunnel } from "./tunnel.ts";

const ROUNDS = 4;
const COPIES = 5;
const V1 = Buffer.from("PROXY TCP4 203.0.113.7 127.0.0.1 40000 5100\r\n");
const vectors = JSON.parse(readFileSync(new URL("../vectors/wkproto.json", import.meta.url), "utf8")) as {
  readonly proxyProtocol: readonly { readonly hex: string }[];
};
const headers = vectors.proxyProtocol.map(({ hex }) => Buffer.from(hex, "hex"));

test("damaged PROXY headers end their connections, and nobody else notices", async () => {
  const random = new Seeded();
  console.log(`WK_SEED=${random.seed}`);
  await using transports = await startTransports({
    proxyProtocol: true,
    trustedProxies: "127.0.0.1",
    "limits.unauthenticatedTime": "2s",
  });
  const { server, tlsPort, wssPort } = transports;
  const ports = [server.tcpPort, tlsPort, server.wsPort, wssPort];
  await using through = await openTunnel({ to: server.tcpPort, header: V1 });
  const bystander = await WireClient.connect({ port: through.port, uid: uniqueId("u") });
  const endOf = async (header: Buffer, port: number): Promise<void> => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    socket.resume();
    const bytes = Buffer.concat([mutated(random, header), random.bytes(random.below(200))]);
    const cut = random.below(bytes.length + 1);
    socket.write(bytes.subarray(0, cut));
    socket.write(bytes.subarray(cut));
    if (random.chance(0.7)) socket.end();
    await once(socket, "close");
  };
  for (let round = 0; round < ROUNDS; round++)
    await Promise.all(
      Array.from({ length: COPIES }, () => headers)
        .flat()
        .map((header, index) => endOf(header, ports[(index + round) % ports.length]!)),
    );
  expect(await bystander.ping()).toBe(true);
  await using late = await openTunnel({ to: tlsPort, tls: true, header: V1 });
  const reader = await WireClient.connect({ port: late.port, uid: uniqueId("u") });
  await bystander.sendOk({ to: reader.uid, type: 1, payload: "still here" });
  expect((await reader.takeSome(1))[0]!.payload.toString()).toBe("still here");
  expect(server.exited).toBeUndefined();
  expect(server.output).not.toContain("internal error");
  for (const client of [bystander, reader]) client.close();
});
