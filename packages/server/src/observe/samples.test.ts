import { expect, test } from "vitest";
import type { Traffic } from "../delivery/live-connections.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { SAMPLE_EVERY_MS, SAMPLES_MAX, Samples } from "./samples.ts";

function setup() {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { world } = simulation;
  const state = { messages: 0, cpuMs: 0, connections: 3 };
  const traffic = (): Traffic => ({
    inMessages: state.messages,
    inMessageBytes: state.messages * 10,
    inPacketBytes: state.messages * 20,
    outMessages: state.messages * 2,
    outMessageBytes: state.messages * 30,
    outPacketBytes: state.messages * 40,
  });
  const samples = new Samples(world, {
    connections: () => state.connections,
    sessions: () => 2,
    users: () => 1,
    traffic: async () => traffic(),
    usage: () => ({ cpuMs: state.cpuMs, residentBytes: 100, heapBytes: 50 }),
  });
  const wait = (ms: number): Promise<void> =>
    simulation.settle(new Promise((resolve) => world.timers.after(ms, resolve)), ms + 1_000);
  return { samples, state, wait };
}

test("a sample has what is now, and rates since the one before", async () => {
  const { samples, state, wait } = setup();
  samples.start();
  expect(samples.latest(1e9)).toEqual([]);
  state.messages = 100;
  state.cpuMs = 2_500;
  await wait(SAMPLE_EVERY_MS + 100);
  state.messages = 150;
  await wait(SAMPLE_EVERY_MS);
  const [first, second] = samples.latest(1e9);
  expect(first).toMatchObject({ connections: 3, sessions: 2, users: 1, residentBytes: 100, heapBytes: 50 });
  expect(first?.cpuPercent).toBeCloseTo(50, 1);
  expect(first?.perSecond.inMessages).toBeCloseTo(20, 1);
  expect(first?.perSecond.outMessageBytes).toBeCloseTo(600, 0);
  expect(second?.cpuPercent).toBeCloseTo(0);
  expect(second?.perSecond.inMessages).toBeCloseTo(10, 1);
});

test("the processor's part is known before the first sample, and counts from the last one", async () => {
  const { samples, state, wait } = setup();
  await wait(1000);
  state.cpuMs = 250;
  expect(samples.usage().cpuPercent).toBeCloseTo(25);
  expect(samples.usage().residentBytes).toBe(100);
});

test("the last hour is kept and no more, and a span of it can be asked for", async () => {
  const { samples, state, wait } = setup();
  samples.start();
  for (let count = 0; count < SAMPLES_MAX + 5; count++) {
    state.connections = count;
    await wait(SAMPLE_EVERY_MS);
  }
  const all = samples.latest(1e12);
  expect(all).toHaveLength(SAMPLES_MAX);
  expect(samples.latest(60_000).length).toBeLessThanOrEqual(13);
  expect(samples.latest(60_000).at(-1)).toBe(all.at(-1));
});

test("after stop there are no more", async () => {
  const { samples, wait } = setup();
  samples.start();
  samples.stop();
  await wait(SAMPLE_EVERY_MS * 3);
  expect(samples.latest(1e12)).toEqual([]);
});
