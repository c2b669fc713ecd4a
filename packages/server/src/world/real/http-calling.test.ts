/** Calls over loopback to a server that answers as the test says. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { CallFailed, type HttpPosted } from "../world.ts";
import { createHttpCalling } from "./http-calling.ts";
import { realTimers } from "./timers.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=b`;
}

const calling = createHttpCalling(realTimers);

function post(url: string, timeoutMs = 10_000, answerBytesMax = 1000): Promise<HttpPosted> {
  return calling.post({ url, headers: { "x-id": "7" }, body: Buffer.from("hello"), timeoutMs, answerBytesMax });
}

test("the request comes as it was given, and any answer comes back, redirects too", async () => {
  const seen: unknown[] = [];
  const url = await listen((request, answer) => {
    request.on("data", (part: Buffer) =>
      seen.push([request.method, request.url, request.headers["x-id"], part.toString()]),
    );
    request.on("end", () => answer.writeHead(302, { location: "/elsewhere" }).end("moved"));
  });
  const { status, body } = await post(url);
  expect([status, Buffer.from(body).toString()]).toEqual([302, "moved"]);
  expect(seen).toEqual([["POST", "/hook?a=b", "7", "hello"]]);
});

test("connections are used again", async () => {
  const ports = new Set<number | undefined>();
  const url = await listen((request, answer) => {
    ports.add(request.socket.remotePort);
    request.resume().on("end", () => answer.end("ok"));
  });
  for (let n = 0; n < 20; n++) await post(url);
  // The first one may not be free yet when the second call comes.
  expect(ports.size).toBeLessThanOrEqual(2);
});

test("an answer is cut where it gets too long, and an endless one ends", async () => {
  const url = await listen((_request, answer) => {
    const more = (): void => void (answer.write("x".repeat(5_000)) ? setImmediate(more) : answer.once("drain", more));
    more();
  });
  expect((await post(url)).body.length).toBe(1000);
});

test("no answer in time, a connection that breaks and nobody who listens are failed calls that say why", async () => {
  const silent = await listen(() => undefined);
  await expect(post(silent, 50)).rejects.toThrow(new CallFailed("no answer within 50 ms"));
  const slow = await listen((_request, answer) => void answer.writeHead(200).write("begun"));
  await expect(post(slow, 50)).rejects.toThrow(new CallFailed("no answer within 50 ms"));
  const broken = await listen((request) => request.socket.destroy());
  await expect(post(broken)).rejects.toBeInstanceOf(CallFailed);
  await expect(post("http://127.0.0.1:1/")).rejects.toThrow(/ECONNREFUSED/);
  await expect(post("http://localhost:1/")).rejects.toThrow(/ECONNREFUSED/);
});
