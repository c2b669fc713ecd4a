/** WebSocket over loopback: messages, pings, closing, and peers that do not behave. */
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connectPeer, listenForTest, type Peer, turns, waitFor } from "./test-kit.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const LOTS = 32 * 1024 * 1024;

interface Client {
  readonly webSocket: WebSocket;
  readonly messages: { readonly bytes: Buffer; readonly isBinary: boolean }[];
  readonly closed: Promise<number>;
}

async function connectClient(port: number, path = "/"): Promise<Client> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  webSocket.on("error", () => undefined);
  const messages: Client["messages"] = [];
  webSocket.on("message", (bytes: Buffer, isBinary) => messages.push({ bytes, isBinary }));
  const closed = once(webSocket, "close").then(([code]) => Number(code));
  await once(webSocket, "open");
  return { webSocket, messages, closed };
}

/** Sends a handshake by hand, so that frames can be sent by hand too. */
async function connectByHand(port: number, extra = ""): Promise<Peer> {
  const peer = await connectPeer(port);
  peer.net.write(upgradeRequest(`Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${extra}`));
  await waitFor(() => peer.received().includes("\r\n\r\n"));
  return peer;
}

function upgradeRequest(rest: string): string {
  return `GET /any/path?x=1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${rest}\r\n`;
}

/** A masked frame with an all-zero mask. */
function frame(firstByte: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([firstByte, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

describe("messages over WebSocket", () => {
  test("each buffer of a write is one binary message, in order, on any path", async () => {
    const { listener, first } = await listenForTest("websocket");
    const client = await connectClient(listener.port, "/some/where?q=1");
    const { socket } = await first();
    expect(socket.keepsBoundaries).toBe(true);
    const buffers = Array.from({ length: 3_000 }, (_, index) => new Uint8Array((index * 7) % 300).fill(index));
    socket.write(buffers.slice(0, 1));
    socket.write(buffers.slice(1));
    await waitFor(() => client.messages.length === buffers.length);
    for (const [index, { bytes, isBinary }] of client.messages.entries()) {
      expect(isBinary).toBe(true);
      expect(bytes.equals(buffers[index]!)).toBe(true);
    }
    client.webSocket.terminate();
    await listener.close();
  });

  test("text and binary, whole or in fragments, come as bytes", async () => {
    const { listener, first } = await listenForTest("websocket");
    const client = await connectClient(listener.port);
    client.webSocket.send("text é");
    client.webSocket.send(new Uint8Array([0, 255]));
    client.webSocket.send("frag", { fin: false });
    client.webSocket.send("ment", { fin: true });
    const { chunks } = await first();
    await waitFor(() => chunks.length === 3);
    expect(chunks.map((chunk) => Buffer.from(chunk).toString("latin1"))).toEqual([
      Buffer.from("text é").toString("latin1"),
      "\x00\xff",
      "fragment",
    ]);
    client.webSocket.terminate();
    await listener.close();
  });

  test("offered subprotocols and compression are not taken", async () => {
    const { listener } = await listenForTest("websocket");
    const peer = await connectByHand(
      listener.port,
      "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
    );
    const answer = peer.received().toString();
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    expect(answer).not.toMatch(/sec-websocket-(protocol|extensions)/i);
    peer.net.destroy();
    await listener.close();
  });

  test("a ping is answered and counts as a sign of life, as does a pong", async () => {
    const { listener, first } = await listenForTest("websocket");
    const client = await connectClient(listener.port);
    const ponged = once(client.webSocket, "pong");
    client.webSocket.ping("are you there");
    expect(String((await ponged)[0])).toBe("are you there");
    client.webSocket.pong();
    const { told } = await first();
    await waitFor(() => told.length === 2);
    expect(told).toEqual(["alive", "alive"]);
    client.webSocket.terminate();
    await listener.close();
  });

  test("what the kernel does not take is buffered, and drained comes once when it has gone", async () => {
    const { listener, first } = await listenForTest("websocket");
    const client = await connectClient(listener.port);
    client.webSocket.pause();
    const { socket, told } = await first();
    socket.write([new Uint8Array(LOTS), new Uint8Array(10)]);
    expect(socket.bufferedBytes).toBeGreaterThan(0);
    await turns();
    expect(told).toEqual([]);
    client.webSocket.resume();
    await waitFor(() => client.messages.length === 2);
    await waitFor(() => told.length > 0);
    expect(told).toEqual(["drained"]);
    expect(socket.bufferedBytes).toBe(0);
    client.webSocket.terminate();
    await listener.close();
  });
});

describe("closing over WebSocket", () => {
  test("after a flush the peer gets every message and a close frame; closed comes once and last", async () => {
    const { listener, first, timers } = await listenForTest("websocket");
    const client = await connectClient(listener.port);
    const { socket, told } = await first();
    socket.write(Array.from({ length: 500 }, () => new Uint8Array(1_000)));
    socket.close("after-flush");
    socket.close("after-flush");
    socket.write([new Uint8Array(1)]);
    expect(await client.closed).toBe(1000);
    expect(client.messages.length).toBe(500);
    await waitFor(() => told.includes("closed"));
    expect(told.filter((event) => event === "closed")).toEqual(["closed"]);
    expect(told.at(-1)).toBe("closed");
    expect(timers.count).toBe(0);
    await listener.close();
  });

  test("a peer that does not answer the close frame is cut when the time for it is over", async () => {
    const { listener, first, timers } = await listenForTest("websocket");
    const peer = await connectByHand(listener.port);
    const { socket, told } = await first();
    socket.close("after-flush");
    await turns();
    expect(told).toEqual([]);
    timers.runAll();
    await waitFor(() => told.length > 0);
    expect(told).toEqual(["closed"]);
    peer.net.destroy();
    await listener.close();
  });

  test("now cuts the connection, and nothing can be written afterwards", async () => {
    const { listener, first } = await listenForTest("websocket");
    const client = await connectClient(listener.port);
    const { socket, told } = await first();
    socket.close("now");
    socket.write([new Uint8Array(1)]);
    socket.close("after-flush");
    expect(await client.closed).toBe(1006);
    await waitFor(() => told.length > 0);
    await turns();
    expect(told).toEqual(["closed"]);
    await listener.close();
  });

  test("a peer that closes or vanishes is told to the owner once", async () => {
    const { listener, accepted } = await listenForTest("websocket");
    const polite = await connectClient(listener.port);
    const rude = await connectClient(listener.port);
    await waitFor(() => accepted.length === 2);
    polite.webSocket.close();
    rude.webSocket.terminate();
    await waitFor(() => accepted.every(({ told }) => told.includes("closed")));
    await turns();
    expect(accepted.map(({ told }) => told)).toEqual([["closed"], ["closed"]]);
    await listener.close();
  });
});

describe("peers of a WebSocket port that do not behave", () => {
  test.each([
    ["a plain request", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 426],
    ["a POST", "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", 426],
    ["no key", upgradeRequest("Sec-WebSocket-Version: 13\r\n"), 400],
    ["a short key", upgradeRequest("Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n"), 400],
    ["no version", upgradeRequest(`Sec-WebSocket-Key: ${KEY}\r\n`), 400],
    ["another version", upgradeRequest(`Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 99\r\n`), 400],
    [
      "a bad subprotocol",
      upgradeRequest(`Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a,,\r\n`),
      400,
    ],
    ["an upgrade to something else", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400],
    ["an upgrade by POST", upgradeRequest(`Sec-WebSocket-Key: ${KEY}\r\n`).replace("GET", "POST"), 405],
    ["no HTTP at all", "\x00\x01\x02\x03\r\n\r\n", 400],
    ["endless headers", `GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`, 431],
  ])("%s is answered in HTTP, closed, and never accepted", async (_name, request, status) => {
    const { listener, accepted, timers } = await listenForTest("websocket");
    const peer = await connectPeer(listener.port);
    peer.net.write(Buffer.from(request, "latin1"));
    peer.net.on("end", () => peer.net.end());
    await waitFor(() => peer.isOver);
    expect(peer.received().toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const client = await connectClient(listener.port);
    expect(accepted.length).toBe(1);
    await waitFor(() => timers.count === 0);
    client.webSocket.terminate();
    await listener.close();
  });

  test("whoever does not finish the upgrade is cut; whoever does is not", async () => {
    const { listener, accepted, timers } = await listenForTest("websocket");
    const silent = await connectPeer(listener.port);
    const slow = await connectPeer(listener.port);
    slow.net.write("GET / HTTP/1.1\r\nHost: h\r\nX: ");
    await waitFor(() => timers.count === 2);
    const client = await connectClient(listener.port);
    await waitFor(() => accepted.length === 1);
    expect(timers.count).toBe(2);
    timers.runAll();
    await waitFor(() => silent.isOver && slow.isOver);
    client.webSocket.send("still here");
    await waitFor(() => accepted[0]!.chunks.length === 1);
    client.webSocket.terminate();
    await listener.close();
  });

  test("closing the listener drops unfinished handshakes, frees the port and keeps accepted sockets", async () => {
    const { listener, first } = await listenForTest("websocket");
    const silent = await connectPeer(listener.port);
    const client = await connectClient(listener.port);
    const { socket } = await first();
    await listener.close();
    await waitFor(() => silent.isOver);
    const next = await listenForTest("websocket", { port: listener.port });
    socket.write([new Uint8Array(3)]);
    await waitFor(() => client.messages.length === 1);
    client.webSocket.terminate();
    await next.listener.close();
  });

  const text = (payload: string): Uint8Array => Buffer.from(payload);
  test.each([
    ["a message over the limit", Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0])])],
    ["text that is not UTF-8", frame(0x81, new Uint8Array([0xff, 0xfe]))],
    ["more fragments than any client sends", Buffer.concat([frame(0x01, text("a")), ...fragments(300)])],
    ["a frame without mask", Buffer.from([0x82, 1, 0])],
    ["an unknown opcode", frame(0x83, text("a"))],
    ["reserved bits", frame(0xc2, text("a"))],
    ["a continuation of nothing", frame(0x80, text("a"))],
    ["a ping of 126 bytes", Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0])],
    ["a close frame with a reserved code", frame(0x88, new Uint8Array([0x03, 0xed]))],
  ])("%s ends the connection, hands nothing over, and the next client is served", async (_name, bytes) => {
    const { listener, first, accepted } = await listenForTest("websocket");
    const peer = await connectByHand(listener.port);
    const { told } = await first();
    peer.net.write(bytes);
    peer.net.on("end", () => peer.net.end());
    await waitFor(() => peer.isOver);
    peer.net.destroy();
    await waitFor(() => told.length > 0);
    expect(told).toEqual(["closed"]);
    const client = await connectClient(listener.port);
    client.webSocket.send("hello");
    await waitFor(() => accepted[1]?.chunks.length === 1);
    client.webSocket.terminate();
    await listener.close();
  });

  function fragments(count: number): Buffer[] {
    return Array.from({ length: count }, () => frame(0x00, Buffer.from("b")));
  }
});
