/** Connections that take their time and never finish what they begin. */
import { connect, type Socket } from "node:net";
import { encodeFrame, PacketType } from "@wukong-ts/protocol";
import { expect, test } from "vitest";
import { BackEnd } from "../harness/back-end.ts";
import { Bystanders } from "../harness/bystanders.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { RawPeer } from "./raw-peer.ts";

const CONNECTIONS = 150;
const UNAUTHENTICATED_MS = 1_500;
const DRIP_MS = 100;
/** Unfinished HTTP headers may live for ten seconds; then there is the pause until somebody looks. */
const PATIENCE_MS = 30_000;

const shared = sharedServer({ settings: { "limits.unauthenticatedTime": `${UNAUTHENTICATED_MS}ms` } });

const CONNECT = encodeFrame(
  {
    type: PacketType.connect,
    version: 5,
    deviceFlag: 0,
    deviceId: "d".repeat(200),
    uid: "slow",
    token: "t".repeat(400),
    clientTimestamp: 0n,
    clientKey: "",
  },
  5,
);

/** Sends one byte after the other; true when the server ended it, false when it let the whole text come. */
function drip(port: number, text: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    let sent = 0;
    const socket: Socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const timer = setInterval(() => {
      if (sent < text.length && socket.writable) socket.write(text.subarray(sent, ++sent));
    }, DRIP_MS);
    const late = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("data", () => undefined);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearInterval(timer);
      clearTimeout(late);
      resolve(sent < text.length);
    });
  });
}

test("hostile input: connections that never finish CONNECT, a WebSocket handshake or HTTP headers are closed in time", async () => {
  const server = shared.current;
  const bystanders = await Bystanders.start(server);
  const headers = Buffer.from(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(10_000)}`);
  const slow: Promise<boolean>[] = [];
  for (let count = 0; count < CONNECTIONS; count++) {
    slow.push(drip(server.tcpPort, CONNECT), drip(server.wsPort, headers), drip(server.httpPort, headers));
    // Silent from the beginning.
    slow.push(RawPeer.open(server.tcpPort).then((peer) => peer.closed(PATIENCE_MS)));
  }
  const silentWebSocket = await RawPeer.open(server.wsPort, "websocket");
  slow.push(silentWebSocket.closed(PATIENCE_MS));
  expect(
    (await Promise.all(slow)).filter((isCut) => !isCut),
    "connections that were not cut",
  ).toEqual([]);
  expect(await bystanders.finish()).toEqual([]);
});

test("hostile input: bodies that never come hold up nobody", async () => {
  const server = shared.current;
  const backEnd = new BackEnd(server.http);
  const hanging = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect({ host: "127.0.0.1", port: server.httpPort });
    socket.on("error", () => undefined);
    socket.write("POST /message/send HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
    return socket;
  });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  for (let seq = 1; seq <= 20; seq++)
    expect(await backEnd.send({ from: a, to: b, type: 1, text: "hello" })).toMatchObject({ message_seq: seq });
  for (const socket of hanging) socket.destroy();
});
