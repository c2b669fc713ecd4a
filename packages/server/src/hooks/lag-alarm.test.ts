import { expect, test } from "vitest";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { LagAlarm } from "./lag-alarm.ts";

test("a lag is told of once, and its end once", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { clock, timers } = simulation.world;
  const following: { lagMessages: number; oldestMs: number | undefined } = { lagMessages: 0, oldestMs: undefined };
  const told: unknown[] = [];
  const alarm = new LagAlarm({
    clock,
    timers,
    following,
    ageMsMax: 4_000,
    lags: ({ messages, ageMs }) => told.push(["lags", messages, ageMs > 4_000]),
    recovered: () => told.push("recovered"),
  });
  await simulation.run(10_000);
  following.oldestMs = clock.wallMs();
  following.lagMessages = 7;
  await simulation.run(3_500);
  expect(told).toEqual([]);
  await simulation.run(20_000);
  expect(told).toEqual([["lags", 7, true]]);
  following.oldestMs = clock.wallMs() - 1;
  await simulation.run(2_000);
  expect(told).toEqual([["lags", 7, true], "recovered"]);
  alarm.stop();
  await simulation.run(60_000);
  expect(told).toHaveLength(2);
});
