/** Unary calls over loopback to an HTTP/2 server that speaks gRPC by hand. */
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { CallFailed, type GrpcCalled } from "../world.ts";
import { createGrpcCalling } from "./grpc-calling.ts";
import { realTimers } from "./timers.ts";

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Buffer) => void;

const servers: { readonly server: Http2Server; readonly sessions: Set<{ destroy(): void }> }[] = [];

function end(): void {
  for (const { server, sessions } of servers.splice(0)) {
    for (const session of sessions) session.destroy();
    server.close();
  }
}
afterEach(end);

async function listen(handle: Handler, port = 0): Promise<number> {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const parts: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => handle(stream, headers, Buffer.concat(parts)));
  });
  servers.push({ server, sessions });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function answer(stream: ServerHttp2Stream, body: Buffer, trailers: Readonly<Record<string, string>>): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}

const calling = createGrpcCalling(realTimers);

function call(port: number, timeoutMs = 10_000): Promise<GrpcCalled> {
  return calling.call({
    host: "127.0.0.1",
    port,
    path: "/a.Service/Method",
    metadata: { "x-id": "7" },
    message: Buffer.from("hello"),
    timeoutMs,
    answerBytesMax: 1000,
  });
}

const FRAMED_OK = Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from("ok")]);

test("the message comes framed, and the one in the answer is given back", async () => {
  const seen: unknown[] = [];
  const port = await listen((stream, headers, body) => {
    seen.push([headers[":path"], headers["content-type"], headers["te"], headers["x-id"], body.toString("latin1")]);
    answer(stream, FRAMED_OK, { "grpc-status": "0" });
  });
  const { status, message } = await call(port);
  expect([status, Buffer.from(message).toString()]).toEqual([0, "ok"]);
  expect(seen).toEqual([["/a.Service/Method", "application/grpc", "trailers", "7", "\0\0\0\0\x05hello"]]);
});

test("many calls share one connection", async () => {
  const port = await listen((stream) => answer(stream, FRAMED_OK, { "grpc-status": "0" }));
  await Promise.all(Array.from({ length: 50 }, () => call(port)));
  expect(servers[0]?.sessions.size).toBe(1);
});

test("a status other than 0 comes with its text, in trailers or at once in the headers", async () => {
  const late = await listen((stream) => answer(stream, Buffer.alloc(0), { "grpc-status": "13", "grpc-message": "no" }));
  expect(await call(late)).toMatchObject({ status: 13, statusText: "no" });
  const soon = await listen((stream) =>
    stream.respond({ ":status": 200, "grpc-status": "12", "grpc-message": "unknown method" }, { endStream: true }),
  );
  expect(await call(soon)).toMatchObject({ status: 12, statusText: "unknown method" });
  const proxy = await listen((stream) => stream.respond({ ":status": 502 }, { endStream: true }));
  expect(await call(proxy)).toMatchObject({ status: 2, statusText: "HTTP 502" });
  const damaged = await listen((stream) => answer(stream, FRAMED_OK.subarray(0, 6), { "grpc-status": "0" }));
  expect(await call(damaged)).toMatchObject({ status: 2 });
});

test("no answer in time, a broken stream and nobody who listens are failed calls", async () => {
  const silent = await listen(() => undefined);
  await expect(call(silent, 50)).rejects.toThrow(new CallFailed("no answer within 50 ms"));
  const broken = await listen((stream) => stream.session?.destroy());
  await expect(call(broken)).rejects.toBeInstanceOf(CallFailed);
  const long = await listen((stream) => answer(stream, Buffer.alloc(5_000), { "grpc-status": "0" }));
  await expect(call(long)).rejects.toThrow("the answer is too long");
  await expect(call(1)).rejects.toThrow(/ECONNREFUSED/);
});

test("a server that comes back is connected to again", async () => {
  const port = await listen((stream) => answer(stream, FRAMED_OK, { "grpc-status": "0" }));
  await call(port);
  end();
  await expect(call(port)).rejects.toBeInstanceOf(CallFailed);
  await listen((stream) => answer(stream, FRAMED_OK, { "grpc-status": "0" }), port);
  expect((await call(port)).status).toBe(0);
});
