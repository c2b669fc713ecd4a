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
