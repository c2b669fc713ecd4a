/** TLS and PROXY headers over loopback: who gets in, with which address, and that nobody else does. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { SeededRandom } from "../simulated/seeded-random.ts";
import { BadCertificate, type TlsCertificate } from "../world.ts";
import { portOf } from "./listen.ts";
import { connectPeer, listenForTest, type TestListener, turns, waitFor } from "./test-kit.ts";

const at = (file: string): URL => new URL(`../../../../../tests/${file}`, import.meta.url);
const pem = (name: string): TlsCertificate => ({
  certificate: readFileSync(at(`certificates/${name}.cert.pem`)),
  key: readFileSync(at(`certificates/${name}.key.pem`)),
  source: `${name}.pem`,
});
const FIRST = pem("first");
const SECOND = pem("second");

const trusts = (ip: string): boolean => ip === "127.0.0.1";
const BEHIND_PROXY = { expectsProxyHeader: true, trusts };
const V1 = Buffer.from("PROXY TCP4 203.0.113.7 127.0.0.1 40000 5100\r\n");
const V2 = Buffer.from("0d0a0d0a000d0a515549540a2111000ccb0071077f0000019c4013ec", "hex");
const PROXIED = { ip: "203.0.113.7", port: 40_000 };

async function connectSecurely(port: number): Promise<TLSSocket> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

/** A TLS client that says something else first. */
async function connectBehind(port: number, first: Buffer): Promise<TLSSocket> {
  const peer = await connectPeer(port);
  peer.net.removeAllListeners("data");
  peer.net.pause();
  peer.net.write(first);
  const socket = connectTls({ socket: peer.net, rejectUnauthorized: false });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

async function nobodyGetsIn(test: TestListener, bytes: Uint8Array): Promise<void> {
  const peer = await connectPeer(test.listener.port);
  peer.net.write(bytes);
  await waitFor(() => peer.isOver);
  peer.net.destroy();
}

describe("TLS", () => {
  test("carries bytes whole and in order both ways, and drained comes when a slow reader has read, seed 11", async () => {
    const random = new SeededRandom(11);
    const { listener, first } = await listenForTest("tcp", { tls: FIRST });
    const client = await connectSecurely(listener.port);
    const { socket, told, chunks } = await first();
    expect(socket.remote).toEqual({ ip: "127.0.0.1", port: client.localPort });
    expect(socket.keepsBoundaries).toBe(false);
    const sent = random.bytes(3_000_000);
    client.pause();
    socket.write([sent.slice(0, 10), sent.slice(10, 1_000_000), sent.slice(1_000_000)]);
    expect(socket.bufferedBytes).toBeGreaterThan(0);
    const received: Buffer[] = [];
    client.on("data", (chunk: Buffer) => received.push(chunk));
    client.resume();
    await waitFor(() => Buffer.concat(received).length === sent.length);
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    await waitFor(() => told.includes("drained"));
    expect(socket.bufferedBytes).toBe(0);
    client.write(sent);
    await waitFor(() => chunks.reduce((sum, chunk) => sum + chunk.length, 0) === sent.length);
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
    client.destroy();
    await waitFor(() => told.includes("closed"));
    await listener.close();
  });

  test("after a flush the peer gets everything and then the end", async () => {
    const { listener, first, timers } = await listenForTest("tcp", { tls: FIRST });
    const client = await connectSecurely(listener.port);
    const { socket, told } = await first();
    let bytes = 0;
    client.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.write([new Uint8Array(2_000_000)]);
    socket.close("after-flush");
    await waitFor(() => told.includes("closed"));
    await waitFor(() => client.destroyed);
    expect(bytes).toBe(2_000_000);
    expect(timers.count).toBe(0);
    await listener.close();
  });

  test("a certificate that is replaced is shown to the next client, and the one before goes on", async () => {
    const { listener, accepted } = await listenForTest("tcp", { tls: FIRST });
    const before = await connectSecurely(listener.port);
    expect(before.getPeerCertificate().subject.CN).toBe("wukong-ts test only first");
    expect(() => listener.replaceCertificate?.({ ...SECOND, key: FIRST.key })).toThrow(BadCertificate);
    const still = await connectSecurely(listener.port);
    expect(still.getPeerCertificate().subject.CN).toBe("wukong-ts test only first");
    listener.replaceCertificate?.(SECOND);
    const after = await connectSecurely(listener.port);
    expect(after.getPeerCertificate().subject.CN).toBe("wukong-ts test only second");
    before.write("still here");
    await waitFor(() => accepted[0]!.chunks.length > 0);
    for (const client of [before, still, after]) client.destroy();
    await listener.close();
  });

  test.each([
    ["is no PEM", { ...FIRST, certificate: Buffer.from("hello") }],
    ["is empty", { ...FIRST, certificate: new Uint8Array(0) }],
    ["has an empty key", { ...FIRST, key: new Uint8Array(0) }],
    ["has another's key", { ...FIRST, key: SECOND.key }],
    ["is cut off", { ...FIRST, certificate: FIRST.certificate.slice(0, 300) }],
  ])("a certificate that %s stops the start with one line", async (_name, tls) => {
    const failure = await listenForTest("tcp", { tls }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BadCertificate);
    expect(String(failure)).toMatch(/^BadCertificate: first\.pem: no usable certificate and key: [^\n]+$/);
  });

  const random = new SeededRandom(5);
  const hostile: readonly (readonly [string, Buffer])[] = [
    ["WKProto", Buffer.from("102a05", "hex")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: h\r\n\r\n")],
    ["a PROXY header", V1],
    ["a TLS record of nonsense", Buffer.concat([Buffer.from("1603010200", "hex"), random.bytes(512)])],
    ["an SSL 2 hello", Buffer.from("802e0100020015000000100100800200800300800400800500800600", "hex")],
    ...Array.from({ length: 20 }, (_, index) => [`noise ${index} of seed 5`, Buffer.from(random.bytes(600))] as const),
  ];
  test.each(hostile)("%s on a TLS port closes that connection only", async (_name, bytes) => {
    for (const transport of ["tcp", "websocket"] as const) {
      const listening = await listenForTest(transport, { tls: FIRST });
      const peer = await connectPeer(listening.listener.port);
      peer.net.end(bytes);
      await waitFor(() => peer.isOver);
      peer.net.destroy();
      const client = await connectSecurely(listening.listener.port);
      if (transport === "tcp") await waitFor(() => listening.accepted.length > 0);
      expect(listening.accepted.length).toBe(transport === "tcp" ? 1 : 0);
      client.destroy();
      await listening.listener.close();
      await waitFor(() => listening.timers.count === 0);
    }
  });

  test("noise after the handshake ends the connection", async () => {
    const { listener, first } = await listenForTest("tcp", { tls: FIRST });
    const upstream = await connectPeer(listener.port);
    const relay = createServer((downstream) => {
      downstream.on("error", () => undefined);
      downstream.pipe(upstream.net, { end: false });
      upstream.net.pipe(downstream);
    }).listen(0, "127.0.0.1");
    await once(relay, "listening");
    const client = await connectSecurely(portOf(relay));
    client.write("hello");
    const { told, chunks } = await first();
    await waitFor(() => Buffer.concat(chunks).toString() === "hello");
    upstream.net.write(Buffer.from("1703030020".padEnd(74, "a"), "hex"));
    await waitFor(() => told.includes("closed"));
    expect(Buffer.concat(chunks).toString()).toBe("hello");
    upstream.net.destroy();
    client.destroy();
    relay.close();
    (await connectSecurely(listener.port)).destroy();
    await listener.close();
  });

  test("unfinished handshakes are cut in time, bounded in number, and gone with the listener", async () => {
    const { listener, accepted, timers } = await listenForTest("tcp", { tls: FIRST, handshakesMax: 3 });
    const silent = [await connectPeer(listener.port), await connectPeer(listener.port)];
    await waitFor(() => timers.count === 2);
    const third = await connectPeer(listener.port);
    await waitFor(() => timers.count === 3);
    const fourth = await connectPeer(listener.port);
    await waitFor(() => fourth.isOver);
    expect(silent.some((peer) => peer.isOver) || third.isOver).toBe(false);
    timers.runAll();
    await waitFor(() => silent.every((peer) => peer.isOver) && third.isOver);
    expect(accepted.length).toBe(0);
    const last = await connectPeer(listener.port);
    await waitFor(() => timers.count === 1);
    await listener.close();
    await waitFor(() => last.isOver);
    await waitFor(() => timers.count === 0);
  });
});

describe("PROXY headers", () => {
  test.each([
    ["version 1", V1],
    ["version 2", V2],
  ])("of %s tell the address, split at every byte, and what follows is untouched", async (_name, header) => {
    const { listener, accepted } = await listenForTest("tcp", BEHIND_PROXY);
    const whole = Buffer.concat([header, Buffer.from("hello")]);
    for (let split = 1; split <= whole.length; split++) {
      const peer = await connectPeer(listener.port);
      peer.net.write(whole.subarray(0, split));
      await turns(4);
      if (split < whole.length) peer.net.write(whole.subarray(split));
      await waitFor(() => Buffer.concat(accepted[split - 1]?.chunks ?? []).length === 5);
      const { socket, chunks } = accepted[split - 1]!;
      expect(socket.remote).toEqual(PROXIED);
      expect(Buffer.concat(chunks).toString()).toBe("hello");
      socket.write([Buffer.from("answer")]);
      await waitFor(() => peer.received().toString() === "answer");
      peer.net.destroy();
    }
    await listener.close();
  });

  test("a byte at a time is enough", async () => {
    const { listener, first } = await listenForTest("tcp", BEHIND_PROXY);
    const peer = await connectPeer(listener.port);
    for (const byte of Buffer.concat([V2, Buffer.from("hello")])) {
      peer.net.write(Uint8Array.of(byte));
      await turns(2);
    }
    const { socket, chunks } = await first();
    await waitFor(() => Buffer.concat(chunks).toString() === "hello");
    expect(socket.remote).toEqual(PROXIED);
    peer.net.destroy();
    await listener.close();
  });

  const split = (header: Buffer): readonly (readonly [string, Buffer, number])[] =>
    [1, 7, header.length - 1, header.length].map((length) => [`${length} bytes first`, header, length]);
  test.each([...split(V1), ...split(V2)])("stand before TLS: %s", async (_name, header, length) => {
    const { listener, first, timers } = await listenForTest("tcp", { ...BEHIND_PROXY, tls: FIRST });
    const peer = await connectPeer(listener.port);
    peer.net.write(header.subarray(0, length));
    await turns(4);
    peer.net.removeAllListeners("data");
    if (length < header.length) peer.net.write(header.subarray(length));
    const client = connectTls({ socket: peer.net, rejectUnauthorized: false });
    client.on("error", () => undefined);
    client.write("hello");
    const { socket, chunks } = await first();
    await waitFor(() => Buffer.concat(chunks).toString() === "hello");
    expect(socket.remote).toEqual(PROXIED);
    expect(timers.count).toBe(0);
    client.destroy();
    peer.net.destroy();
    await listener.close();
  });

  const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  const UPGRADE = Buffer.from(
    `GET /any HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const FRAME = Buffer.from("828500000000".concat(Buffer.from("hello").toString("hex")), "hex");

  test("stand before a WebSocket handshake, split anywhere, with the first frame behind it", async () => {
    const { listener, accepted, timers } = await listenForTest("websocket", BEHIND_PROXY);
    const whole = Buffer.concat([V1, UPGRADE, FRAME]);
    const splits = [
      1,
      6,
      V1.length - 1,
      V1.length,
      V1.length + 1,
      V1.length + 40,
      whole.length - FRAME.length,
      whole.length,
    ];
    for (const [index, at] of splits.entries()) {
      const peer = await connectPeer(listener.port);
      peer.net.write(whole.subarray(0, at));
      await turns(4);
      if (at < whole.length) peer.net.write(whole.subarray(at));
      await waitFor(() => (accepted[index]?.chunks.length ?? 0) > 0);
      expect(accepted[index]!.socket.remote).toEqual(PROXIED);
      expect(Buffer.concat(accepted[index]!.chunks).toString()).toBe("hello");
      peer.net.destroy();
    }
    expect(timers.count).toBe(0);
    await listener.close();
  });

  test("stand before wss, too", async () => {
    const { listener, first } = await listenForTest("websocket", { ...BEHIND_PROXY, tls: FIRST });
    const client = await connectBehind(listener.port, V2);
    client.write(Buffer.concat([UPGRADE, FRAME]));
    const { socket, chunks } = await first();
    await waitFor(() => chunks.length > 0);
    expect(socket.remote).toEqual(PROXIED);
    expect(Buffer.concat(chunks).toString()).toBe("hello");
    client.destroy();
    await listener.close();
  });

  const { proxyProtocol }: { proxyProtocol: { name: string; hex: string; headerSize: number; remoteAddr?: string }[] } =
    JSON.parse(readFileSync(at("vectors/wkproto.json"), "utf8"));
  /** Cut off in the middle: they are waited for. */
  const UNFINISHED = ["v1-no-crlf", "v2-truncated"];
  /** v2.2.5 refuses the health check of real load balancers. */
  const TAKEN_HERE = ["v2-local-len0"];

  test("recorded ones are all here", () => expect(proxyProtocol.length).toBe(12));

  test.each(proxyProtocol.map((vector) => [vector.name, vector] as const))("recorded: %s", async (name, vector) => {
    const listening = await listenForTest("tcp", BEHIND_PROXY);
    const { listener, accepted, timers } = listening;
    const peer = await connectPeer(listener.port);
    const header = Buffer.from(vector.hex, "hex");
    const isTaken = vector.headerSize > 0 || TAKEN_HERE.includes(name);
    peer.net.write(isTaken ? Buffer.concat([header, Buffer.from("hello")]) : header);
    if (UNFINISHED.includes(name)) {
      await turns();
      expect(peer.isOver).toBe(false);
      timers.runAll();
    }
    if (isTaken) {
      await waitFor(() => (accepted[0]?.chunks.length ?? 0) > 0);
      const { socket, chunks } = accepted[0]!;
      expect(Buffer.concat(chunks).toString().endsWith("hello")).toBe(true);
      const { ip, port } = socket.remote;
      const own = `127.0.0.1:${peer.net.localPort}`;
      expect(ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`).toBe(vector.remoteAddr ?? own);
    } else {
      await waitFor(() => peer.isOver);
      expect(accepted.length).toBe(0);
    }
    peer.net.destroy();
    await listener.close();
  });

  test.each([
    ["none", Buffer.from("102a05", "hex")],
    ["a malformed one", Buffer.from("PROXY TCP4 a b c d\r\n")],
    ["an endless one", Buffer.concat([Buffer.from("0d0a0d0a000d0a515549540a2111ffff", "hex"), Buffer.alloc(5_000)])],
    ["one with the length of an endless one", Buffer.from("50524f585920".padEnd(400, "5"), "hex")],
    ["TLS", Buffer.from("16030100", "hex")],
  ])("%s is closed when they are expected", async (_name, bytes) => {
    const listening = await listenForTest("tcp", BEHIND_PROXY);
    await nobodyGetsIn(listening, bytes);
    expect(listening.accepted.length).toBe(0);
    await waitFor(() => listening.timers.count === 0);
    await listening.listener.close();
  });

  test("are not taken from peers that are not trusted", async () => {
    const listening = await listenForTest("tcp", { expectsProxyHeader: true, trusts: (ip) => ip === "10.0.0.1" });
    await nobodyGetsIn(listening, V1);
    expect(listening.accepted.length).toBe(0);
    await listening.listener.close();
  });

  test("are bytes like any other when they are not expected", async () => {
    const { listener, first } = await listenForTest("tcp", { trusts });
    const peer = await connectPeer(listener.port);
    peer.net.write(V1);
    const { socket, chunks } = await first();
    await waitFor(() => Buffer.concat(chunks).equals(V1));
    expect(socket.remote.ip).toBe("127.0.0.1");
    peer.net.destroy();
    await listener.close();
  });

  test("that never end are cut in time", async () => {
    const { listener, timers, accepted } = await listenForTest("tcp", BEHIND_PROXY);
    const silent = await connectPeer(listener.port);
    const slow = await connectPeer(listener.port);
    slow.net.write("PROXY TCP4 1.2.");
    await waitFor(() => timers.count === 2);
    timers.runAll();
    await waitFor(() => silent.isOver && slow.isOver);
    expect(accepted.length).toBe(0);
    await listener.close();
  });
});

describe("WebSocket handshakes", () => {
  /** The status of the answer; 101: connected. */
  async function knock(listening: TestListener, path: string, headers: Record<string, string>): Promise<number> {
    const client = new WebSocket(`ws://127.0.0.1:${listening.listener.port}${path}`, { headers });
    client.on("error", () => undefined);
    const status = await new Promise<number>((resolve) => {
      client.once("open", () => resolve(101));
      client.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    });
    client.terminate();
    return status;
  }

  const RULES = { path: "/ws", origins: ["https://chat.example.com"] };
  test.each([
    ["/ws", {}, 101],
    ["/ws?token=1", {}, 101],
    ["/ws/", {}, 404],
    ["/", {}, 404],
    ["/ws", { Origin: "https://chat.example.com" }, 101],
    ["/ws", { Origin: "HTTPS://Chat.Example.com" }, 101],
    ["/ws", { Origin: "http://chat.example.com" }, 403],
    ["/ws", { Origin: "https://evil.example" }, 403],
    ["/ws", { Origin: "null" }, 403],
    ["/other", { Origin: "https://evil.example" }, 404],
  ])("for %s with %j are answered with %d", async (path, headers, status) => {
    const listening = await listenForTest("websocket", RULES);
    expect(await knock(listening, path, headers)).toBe(status);
    expect(listening.accepted.length).toBe(status === 101 ? 1 : 0);
    await listening.listener.close();
    await waitFor(() => listening.timers.count === 0);
  });

  test("are taken for any path and origin where nothing is configured", async () => {
    const listening = await listenForTest("websocket");
    expect(await knock(listening, "/any/path", { Origin: "null" })).toBe(101);
    await listening.listener.close();
  });

  test("tell the client's address only through a trusted proxy", async () => {
    const headers = { "X-Forwarded-For": "203.0.113.7" };
    const trusting = await listenForTest("websocket", { trusts });
    await knock(trusting, "/", headers);
    expect((await trusting.first()).socket.remote).toEqual({ ip: "203.0.113.7", port: 0 });
    const other = await listenForTest("websocket");
    await knock(other, "/", headers);
    expect((await other.first()).socket.remote.ip).toBe("127.0.0.1");
    await Promise.all([trusting.listener.close(), other.listener.close()]);
  });
});
