import { describe, expect, test } from "vitest";
import type { Flow } from "../scenario/scenario.ts";
import { parseScenario } from "../scenario/scenario-parser.ts";
import { createLayout, groupsOf } from "./layout.ts";

function flowsOf(yaml: string): readonly Flow[] {
  const { work } = parseScenario(`title: t\n${yaml}`, "t");
  if (work.kind !== "traffic") throw new Error("no traffic");
  return work.flows;
}

const FLOWS = flowsOf(`
traffic:
  - { channel: person, count: 3, window: 1 }
  - { channel: group, count: 1, members: 20, online: 6, stalled: 2, senders: 2, window: 1 }
`);

describe("the layout of a run", () => {
  test("a stream knows how many should receive it", () => {
    const { streams } = createLayout("b000000", FLOWS, { index: 0, count: 1 });
    expect(streams.map((stream) => stream.receivers)).toEqual([1, 1, 1, 5, 5]);
  });

  test("the shares of all generators are the whole, each seat once", () => {
    const whole = createLayout("b000000", FLOWS, { index: 0, count: 1 }).seats;
    const parts = [0, 1, 2].flatMap((index) => createLayout("b000000", FLOWS, { index, count: 3 }).seats);
    expect(parts.map((seat) => seat.uid).toSorted()).toEqual(whole.map((seat) => seat.uid).toSorted());
    expect(whole).toHaveLength(3 * 2 + 8);
  });

  test("a group has all who are online, and others up to its size", () => {
    const [group] = groupsOf("b000000", FLOWS);
    const online = createLayout("b000000", FLOWS, { index: 0, count: 1 }).seats.filter((seat) => seat.flow === 1);
    expect(group?.members).toHaveLength(20);
    for (const seat of online) {
      expect(group?.members).toContain(seat.uid);
      expect(seat.channelId).toBe(group?.channelId);
    }
  });
});
