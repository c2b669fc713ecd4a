import { expect, test } from "vitest";
import { defaultConfig } from "./config/load.ts";
import { silentLog } from "./observe/log.ts";
import { createServer } from "./server.ts";
import { createSimulatedWorld } from "./world/simulated/simulated-world.ts";

const config = { ...defaultConfig(), dataDir: "/data" };

test("a server that is stopped while it starts leaves nothing open", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const first = createServer({ config, world: simulation.world, log: silentLog });
  const started = first.start();
  await simulation.settle(first.stop());
  await simulation.settle(started);
  // Its ports and its data directory are free again.
  const second = createServer({ config, world: simulation.world, log: silentLog });
  await simulation.settle(second.start());
  await simulation.settle(second.stop());
  await simulation.settle(second.stop());
});

test("a server that cannot start says why to who started it, and can be stopped all the same", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const first = createServer({ config, world: simulation.world, log: silentLog });
  await simulation.settle(first.start());
  const second = createServer({ config, world: simulation.world, log: silentLog });
  await expect(simulation.settle(second.start())).rejects.toMatchObject({ code: "locked" });
  await simulation.settle(second.stop());
  await simulation.settle(first.stop());
});

test("while it drains it says that it is stopping and works on; at once it waits for nothing", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const draining = { ...config, drainTimeMs: 30_000 };
  const first = createServer({ config: draining, world: simulation.world, log: silentLog });
  await simulation.settle(first.start());
  const { httpPort = 0 } = first.addresses;
  const ask = async (url: string): Promise<unknown> =>
    (await simulation.settle(simulation.request(httpPort, { method: "GET", url })))?.status;
  expect(await ask("/readyz")).toBe(200);
  const stoppedAtMs = simulation.nowMs;
  const stopped = first.stop();
  await simulation.run(29_000);
  expect([await ask("/readyz"), await ask("/health"), await ask("/healthz"), await ask("/varz")]).toEqual([
    503, 500, 200, 200,
  ]);
  await simulation.settle(stopped);
  expect(simulation.nowMs - stoppedAtMs).toBeGreaterThanOrEqual(30_000);
  expect(await ask("/readyz")).toBeUndefined();

  const second = createServer({ config: draining, world: simulation.world, log: silentLog });
  await simulation.settle(second.start());
  const endedAtMs = simulation.nowMs;
  await simulation.settle(second.stop("at-once"));
  expect(simulation.nowMs - endedAtMs).toBeLessThan(5_000);
});

test("a first start that cannot keep the manager's secrets works all the same, and says so", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { world } = simulation;
  const lines: unknown[][] = [];
  const log = { ...silentLog, error: (...line: unknown[]) => void lines.push(line) };
  const files = { ...world.files, replace: () => Promise.reject(new Error("no space left on device")) };
  const server = createServer({ config, world: { ...world, files }, log });
  await simulation.settle(server.start());
  expect(lines.map(([, details]) => (details as { file: string }).file)).toEqual([
    "/data/manager-password",
    "/data/jwt-secret",
  ]);
  const { managerPort = 0 } = server.addresses;
  const answer = await simulation.settle(simulation.request(managerPort, { method: "GET", url: "/varz" }));
  expect(answer?.status).toBe(401);
  await simulation.settle(server.stop());
});
