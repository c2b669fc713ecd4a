import { describe, expect, test } from "vitest";
import { loadScenario, scenarioNames } from "./scenario-files.ts";
import { parseScenario } from "./scenario-parser.ts";

const PAIRS = "title: t\ntraffic:\n  - { channel: person, count: 2, window: 8 }\n";

describe("scenarios", () => {
  test.each(scenarioNames())("%s can be read", (name) => {
    expect(loadScenario(name).name).toBe(name);
  });

  test("what is not said has defaults", () => {
    const { work, ...scenario } = parseScenario(PAIRS, "pairs");
    expect(scenario).toMatchObject({ transport: "tcp", version: 5, encryption: "on", tokens: false, goals: [] });
    expect(work).toMatchObject({ kind: "traffic", verification: true, flows: [{ name: "person", recvacks: true }] });
  });

  test.each([
    ["an unknown key", `${PAIRS}sekonds: 3`, /unknown key sekonds/],
    ["an unknown key of a flow", PAIRS.replace("count", "cuont"), /traffic\[0\]: unknown key cuont/],
    ["an unknown key of a work", "title: t\nlogins: { user: 3 }", /logins: unknown key user/],
    ["an unknown key of a goal", `${PAIRS}goals: { ackP99Ms: { most: 3 } }`, /unknown key most/],
    ["an unknown transport", `${PAIRS}transport: udp`, /expected one of tcp/],
    ["an unknown version", `${PAIRS}version: 3`, /expected one of 2, 5, 6/],
    ["no work", "title: t", /exactly one of traffic/],
    ["two works", `${PAIRS}logins: {}`, /exactly one of traffic/],
    ["both loops", PAIRS.replace("window: 8", "window: 8, perSecond: 9"), /either window or perSecond/],
    ["no loop", PAIRS.replace(", window: 8", ""), /either window or perSecond/],
    ["a fraction of a user", PAIRS.replace("count: 2", "count: 2.5"), /whole number/],
    ["a text for a number", PAIRS.replace("count: 2", "count: two"), /expected a number/],
    [
      "shares that do not add up",
      PAIRS.replace("window: 8", "window: 8, payload: [{ bytes: 100, share: 0.5 }]"),
      /add up to 0.5/,
    ],
  ])("%s is refused", (_, text, message) => {
    expect(() => parseScenario(text, "bad")).toThrow(message);
  });

  test("a name that is none says which there are", () => {
    expect(() => loadScenario("nothing-of-the-kind")).toThrow("pairs-x8");
  });
});
