/** What is larger, deeper or longer than allowed is refused cleanly, and only that. */
import { connect } from "node:net";
import { expect, test } from "vitest";
import { BackEnd, PERSON } from "../harness/back-end.ts";
import { Bystanders } from "../harness/bystanders.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { frame } from "./raw-frames.ts";
import { RawPeer } from "./raw-peer.ts";

const shared = sharedServer();
const MEBIBYTE = 1 << 20;
const SEND = 0x30;

for (const transport of ["tcp", "websocket"] as const)
  test(`H-57: over ${transport} a SEND beyond 1 MiB ends that connection only; the largest that fits is stored whole`, async () => {
    const server = shared.current;
    const port = transport === "tcp" ? server.tcpPort : server.wsPort;
    const bystanders = await Bystanders.start(server);
    const [uid, friend] = [uniqueId("large"), uniqueId("friend")];
    using client = await WireClient.connect({ port, transport, uid });
    // Base64 of the encrypted payload makes four bytes of three, and the frame needs some more.
    const largest = "x".repeat(Math.floor((MEBIBYTE * 3) / 4) - 1_000);
    expect(await client.send({ to: friend, type: PERSON, payload: largest })).toMatchObject({ reason: 1 });
    const tooLarge = await client.send({ to: friend, type: PERSON, payload: "x".repeat(MEBIBYTE) });
    expect(tooLarge.outcome === "closed" || (tooLarge.outcome === "answered" && tooLarge.reason !== 1)).toBe(true);
    const history = await new BackEnd(server.http).history(uid, friend, PERSON);
    expect(history.map((message) => Buffer.from(message.payload, "base64").length)).toEqual([largest.length]);
    expect(await bystanders.finish()).toEqual([]);
  });

test("hostile input: a frame that only announces much is cut at once, logged in or not", async () => {
  const server = shared.current;
  for (const announced of [MEBIBYTE + 1, 1 << 27]) {
    const head = frame(SEND, Buffer.alloc(0)).subarray(0, 1);
    const length: number[] = [];
    for (let left = announced; left > 0; left >>= 7) length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    using stranger = await RawPeer.open(server.tcpPort);
    stranger.write(Buffer.concat([head, Buffer.from(length), Buffer.alloc(100)]));
    expect(await stranger.closed()).toBe(true);
    using client = await WireClient.connect({ port: server.tcpPort, uid: uniqueId("large") });
    client.writeRaw(Buffer.concat([head, Buffer.from(length), Buffer.alloc(100)]));
    expect(await client.until(() => client.isClosed, 10_000)).toBe(true);
  }
  using endless = await RawPeer.open(server.tcpPort);
  endless.write(Buffer.alloc(100, 0xff));
  expect(await endless.closed(), "a length that never ends").toBe(true);
});

test("hostile input: JSON that is deep, wide, cut or no JSON at all is refused with 400", async () => {
  const { http } = shared.current;
  const bodies: readonly (string | Buffer)[] = [
    "",
    " ",
    "nul",
    "[",
    "{",
    '{"channel_id":',
    '{"channel_id":"a"',
    '{"channel_id":"a\n"}',
    "[".repeat(500_000),
    '{"a":'.repeat(100_000),
    `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
    `{"channel_id":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    `{"channel_type":${"9".repeat(500_000)}}`,
    Buffer.alloc(10_000),
    Buffer.alloc(100_000, 0xff),
    Buffer.from([0xef, 0xbb, 0xbf]),
  ];
  for (const path of ["/channel", "/message/send", "/conversation/sync", "/user/onlinestatus", "/messages"])
    for (const body of bodies) {
      const answer = await http.call({ method: "POST", path, body });
      expect(answer.status, `${path}: ${body.length} bytes ${body.toString().slice(0, 10)}`).toBe(400);
    }
});

test("hostile input: keys that mean something to JavaScript mean nothing here", async () => {
  const { http } = shared.current;
  const id = uniqueId("proto");
  const body = `{"__proto__":{"ban":1},"constructor":{"prototype":{"ban":1}},"channel_id":"${id}","channel_type":2,"toString":1}`;
  expect((await http.call({ method: "POST", path: "/channel", body })).status).toBe(200);
  expect(
    await new BackEnd(http).send({ from: id, to: uniqueId("friend"), type: PERSON, text: "still fine" }),
  ).toMatchObject({ reason: 1 });
});

test("hostile input: HTTP that is none, or never ends as announced, hurts nobody", async () => {
  const server = shared.current;
  const bystanders = await Bystanders.start(server);
  const requests: readonly string[] = [
    "\r\n\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    `GET /${"a".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(10_000)}\r\n`,
    `GET / HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(100_000)}\r\n\r\n`,
    "POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /channel HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    `POST /channel HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${"100000\r\n".concat("x".repeat(0x10_0000), "\r\n").repeat(20)}`,
    "POST /channel HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{",
    "GET /health HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    "TRACE / HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /%zz%00%ff?%zz=%&&&==&channel_id=%c0%80 HTTP/1.1\r\nhost: x\r\n\r\n",
  ];
  for (const request of requests) {
    const answer = await exchange(server.httpPort, request);
    const statuses = Array.from(answer.matchAll(/^HTTP\/1\.1 (\d+)/gm), (match) => Number(match[1]));
    for (const status of statuses) expect(status, request.slice(0, 80)).toBeLessThan(500);
    expect((await server.http.get("/healthz")).status).toBe(200);
  }
  expect(await bystanders.finish()).toEqual([]);
});

/** Writes, then reads until the server ends the connection or says nothing more. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(Buffer.from(request, "latin1")));
    socket.setTimeout(300, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

test("hostile input: a malformed frame ends its connection, and what came whole before it is stored once", async () => {
  const server = shared.current;
  const [uid, friend] = [uniqueId("u"), uniqueId("friend")];
  const sends = ["one", "two"].map((payload) => ({ to: friend, type: PERSON, payload, clientMsgNo: payload }));
  using client = await WireClient.connect({ port: server.tcpPort, uid });
  const answers = client.burst(sends);
  client.writeRaw(frame(SEND, Buffer.from([1])));
  for (const answer of await answers) expect(answer.outcome).not.toBe("silent");
  expect(await client.until(() => client.isClosed, 10_000)).toBe(true);
  using again = await WireClient.connect({ port: server.tcpPort, uid });
  expect(await again.burst(sends)).toMatchObject([
    { reason: 1, messageSeq: 1 },
    { reason: 1, messageSeq: 2 },
  ]);
});
