/** Load balancers learn that a server is about to stop while it still serves. */
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

test("after SIGTERM /readyz answers 503 while clients still send; then it ends in good order", async () => {
  await using server = await ServerProcess.start({ settings: { drainTime: "2s" } });
  using client = await server.connect(uniqueId("a"));
  const peer = uniqueId("b");
  expect((await server.http.get("/readyz")).status).toBe(200);
  server.signal("SIGTERM");
  await eventually(async () => (await server.http.get("/readyz")).status === 503, "/readyz answers 503");
  expect((await server.http.get("/readyz")).body).toMatchObject({ message: "the server is stopping" });
  expect((await server.http.get("/health")).status).toBe(500);
  expect((await server.http.get("/healthz")).status).toBe(200);
  await client.sendOk({ to: peer, type: PERSON, payload: "still here" });
  await server.backEnd.send({ to: peer, from: uniqueId("c"), type: PERSON, text: "me too" });
  expect(client.isClosed).toBe(false);
  expect(await server.waitForExit()).toEqual({ code: 0, signal: null });
});
