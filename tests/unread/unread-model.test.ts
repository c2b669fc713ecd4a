/** Unread of a real server against the model, over random histories of persons and groups, restarts among them. */
import { expect, test } from "vitest";
import { createRandom } from "../harness/random.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { UnreadWorld } from "./world.ts";

const WORLDS = 8;
const ROUNDS = 6;
const STEPS_PER_ROUND = 45;
const COMPARE_ALL_EVERY = 15;

const shared = sharedServer();

test("unread model: the server agrees with the model over random histories in persons and groups with re-joins (H-22)", async () => {
  const server = shared.current;
  const seeds = createRandom();
  console.log(`unread model: seed ${seeds.seed} (WK_SEED=${seeds.seed} runs it again)`);
  const worlds = Array.from({ length: WORLDS }, () => new UnreadWorld(server, createRandom(seeds.integer(2 ** 31))));
  let steps = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(
      worlds.map(async (world) => {
        await world.connect();
        for (let step = 1; step <= STEPS_PER_ROUND; step++) {
          await world.step();
          steps++;
          if (step % COMPARE_ALL_EVERY === 0) await world.compareAll();
        }
        world.disconnect();
      }),
    );
    await server.restart(round % 2 === 0 ? "SIGKILL" : "SIGTERM");
    await Promise.all(worlds.map((world) => world.compareAll()));
  }
  console.log(`unread model: ${steps} steps`);
  expect(steps).toBeGreaterThanOrEqual(2_000);
});
