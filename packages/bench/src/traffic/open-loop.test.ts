import { describe, expect, test } from "vitest";
import { OpenLoop } from "./open-loop.ts";

function takeAll(loop: OpenLoop, nowMs: number): number[] {
  const due: number[] = [];
  for (let at = loop.take(nowMs); at !== undefined; at = loop.take(nowMs)) due.push(at);
  return due;
}

describe("the open loop", () => {
  test("nothing is due before its time", () => {
    const loop = new OpenLoop(100);
    loop.start(1_000);
    expect(takeAll(loop, 1_000)).toEqual([1_000]);
    expect(takeAll(loop, 1_009)).toEqual([]);
    expect(takeAll(loop, 1_010)).toEqual([1_010]);
  });

  test("after a stall everything is due with the time it was meant for, so the wait counts as latency", () => {
    const loop = new OpenLoop(100);
    loop.start(0);
    const stalledMs = 500;
    const due = takeAll(loop, stalledMs);
    expect(due).toHaveLength(51);
    const latencies = due.map((intendedMs) => stalledMs - intendedMs);
    expect(Math.max(...latencies)).toBe(500);
    expect(latencies.reduce((sum, each) => sum + each) / latencies.length).toBe(250);
  });

  test("the rate holds whatever the steps are", () => {
    const loop = new OpenLoop(12_345);
    loop.start(0);
    let count = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1.7) count += takeAll(loop, nowMs).length;
    expect(Math.abs(count - 123_450)).toBeLessThan(25);
  });
});
