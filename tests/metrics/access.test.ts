/** Who may read the metrics, and that they can be taken away. */
import { expect, test } from "vitest";
import { parseExposition } from "../harness/exposition.ts";
import { ServerProcess } from "../harness/server-process.ts";

test("with a managerToken the metrics need it, and with a token of their own only that", async () => {
  await using server = await ServerProcess.start({ settings: { managerToken: "manager" } });
  const get = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await server.http.call({ method: "GET", path: "/metrics", headers })).status;
  expect(await get({ token: "other" })).toBe(401);
  expect(await get({ token: "manager" })).toBe(200);
  await server.restart("SIGTERM", { managerToken: "manager", "metrics.token": "scrape" });
  expect(await get({ token: "other", authorization: "Bearer scrape" })).toBe(200);
  expect(await get({ token: "manager" })).toBe(401);
  expect(await get({ token: "manager", authorization: "Bearer manager" })).toBe(401);
});

test("metrics.legacyNames: false leaves our names only, metrics.on: false nothing", async () => {
  await using server = await ServerProcess.start({ settings: { "metrics.legacyNames": false } });
  const { series } = parseExposition((await server.http.get("/metrics")).text);
  expect([...series.keys()].filter((name) => !name.startsWith("wk_"))).toEqual([]);
  await server.restart("SIGTERM", { "metrics.on": false });
  expect((await server.http.get("/metrics")).status).toBe(404);
});
