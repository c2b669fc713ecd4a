/** The simulated engine against the engine suite, and what a crash and a failed write leave behind. */
import { describe, expect, test } from "vitest";
import { type Batch, createBatch } from "../../store/batch.ts";
import type { Engine } from "../../store/engine.ts";
import { type EngineHost, engineSuite } from "../../store/engine-suite.ts";
import { createSimulatedWorld, type Simulation } from "./simulated-world.ts";

engineSuite("of the simulation", {
  createHost: async () => hostOf(createSimulatedWorld({ seed: 1 })),
  createFailingHost: async () => {
    const simulation = createSimulatedWorld({ seed: 2 });
    return {
      ...hostOf(simulation),
      breakDisk: async () => simulation.setDiskFull(true),
      repairDisk: async () => simulation.setDiskFull(false),
    };
  },
});

describe("a crash of the simulated process", () => {
  test("keeps of the writes under way a prefix, each whole; each length happens; none of their promises settles", async () => {
    const kept = new Set<number>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const simulation = createSimulatedWorld({ seed });
      const engine = await simulation.settle(simulation.world.openEngine("data"));
      await simulation.settle(engine.write([rows(0)]));
      let settled = 0;
      for (const number of [1, 2, 3]) {
        const count = (): number => settled++;
        engine.write([rows(number)]).then(count, count);
      }
      simulation.crash();
      await simulation.run(1_000);
      expect(settled, `seed ${seed}`).toBe(0);
      const found = await numbersIn(simulation, await simulation.settle(simulation.restart().openEngine("data")));
      expect([[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]], `seed ${seed}`).toContainEqual(found);
      kept.add(found.length - 1);
    }
    expect(kept).toEqual(new Set([0, 1, 2, 3]));
  });

  test("never loses a write that resolved, and unlocks the directory", async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const simulation = createSimulatedWorld({ seed });
      const engine = await simulation.settle(simulation.world.openEngine("data"));
      let acknowledged = 0;
      void (async () => {
        for (;;) {
          await engine.write([rows(acknowledged)]);
          acknowledged += 1;
        }
      })();
      await simulation.run(20);
      simulation.crash();
      const found = await numbersIn(simulation, await simulation.settle(simulation.restart().openEngine("data")));
      const all = Array.from({ length: acknowledged }, (_, number) => number);
      expect([all, [...all, acknowledged]], `seed ${seed}`).toContainEqual(found);
    }
  });
});

describe("a failed write of the simulated engine", () => {
  test("is unseen on the dead handle, and after reopening there or not: both happen", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const simulation = createSimulatedWorld({ seed });
      const engine = await simulation.settle(simulation.world.openEngine("data"));
      await simulation.settle(engine.write([rows(0)]));
      simulation.failNextWrite();
      await expect(simulation.settle(engine.write([rows(1)]))).rejects.toThrow();
      expect(await numbersIn(simulation, engine), `seed ${seed}`).toEqual([0]);
      await simulation.settle(engine.close());
      const next = await simulation.settle(simulation.world.openEngine("data"));
      await simulation.settle(next.write([rows(2)]));
      outcomes.add((await numbersIn(simulation, next)).join());
    }
    expect(outcomes).toEqual(new Set(["0,1,2", "0,2"]));
  });

  test("takes those behind it along, and failEngines fails what is under way", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const simulation = createSimulatedWorld({ seed });
      const engine = await simulation.settle(simulation.world.openEngine("data"));
      const writes = [1, 2, 3].map((number) => engine.write([rows(number)]).then(() => number));
      if (seed % 2 === 0) simulation.failEngines();
      else simulation.failNextWrite();
      const outcomes = await simulation.settle(Promise.allSettled(writes));
      expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
      await simulation.settle(engine.close());
      const found = await numbersIn(simulation, await simulation.settle(simulation.world.openEngine("data")));
      expect([[], [1], [1, 2], [1, 2, 3]], `seed ${seed}`).toContainEqual(found);
    }
  });
});

function hostOf(simulation: Simulation): EngineHost {
  return {
    open: () => simulation.world.openEngine("data"),
    settled: (promise) => simulation.settle(promise),
    dispose: async () => undefined,
  };
}

/** Two rows, so that half a write would show. */
function rows(number: number): Batch {
  const batch = createBatch(0);
  batch.keys.push(new Uint8Array([0, number]), new Uint8Array([1, number]));
  batch.values.push(new Uint8Array([number]), new Uint8Array([number]));
  return batch;
}

/** Which numbers are there; fails on half a write. */
async function numbersIn(simulation: Simulation, engine: Engine): Promise<number[]> {
  const read = async (from: number): Promise<number[]> => {
    const range = { from: new Uint8Array([from]), to: new Uint8Array([from + 1]), reverse: false };
    const entries = await simulation.settle(engine.range({ ...range, limit: 1_000, bytesMax: 1_000_000 }));
    return entries.map(([, value]) => value[0] ?? -1);
  };
  const numbers = await read(0);
  expect(await read(1)).toEqual(numbers);
  return numbers;
}
