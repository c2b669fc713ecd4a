/**
 * Every recorded case that is owed now, against a real server process per configuration.
 * WK_CASES=text runs only the cases with that text in "area: name".
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess, type Settings } from "../harness/server-process.ts";
import { WebhookReceiver } from "../harness/webhook-receiver.ts";
import { type Case, loadCases, loadConfigurations, type RecordedCase } from "./case.ts";
import { LATER_AREAS, LATER_CASES } from "./later.ts";
import { startAll } from "./runner.ts";

const PARALLEL = 8;
/** Stands in a configuration for the address of the webhook receiver. */
const HOOK = "{hook}";
const all = loadCases();
const configurations = loadConfigurations();
const owed = all.filter((entry) => reasonToWait(entry) === undefined);
const chosen = owed.filter((entry) => titleOf(entry).includes(process.env["WK_CASES"] ?? ""));

test("every entry of the list of later cases names something recorded", () => {
  const areas = new Set(all.map((entry) => entry.area));
  const titles = new Set(all.map(titleOf));
  expect(Object.keys(LATER_AREAS).filter((area) => !areas.has(area))).toEqual([]);
  expect(Object.keys(LATER_CASES).filter((title) => !titles.has(title))).toEqual([]);
});

test("no two cases have the same area and name", () => {
  expect(new Set(all.map(titleOf)).size).toBe(all.length);
});

for (const [configuration, cases] of Map.groupBy(chosen, (entry) => entry.recorded.config ?? "default")) {
  describe(`configuration ${configuration}`, () => {
    const held: {
      server?: ServerProcess;
      receiver?: WebhookReceiver;
      outcomes?: Map<Case, Promise<Error | undefined>>;
    } = {};
    beforeAll(async () => {
      const recordedSettings = configurations[configuration]!;
      if (Object.values(recordedSettings).includes(HOOK)) held.receiver = await WebhookReceiver.start();
      const settings = withHook(recordedSettings, held.receiver?.url ?? "");
      held.server = await ServerProcess.start({ settings });
      const recorded = cases.map((entry) => entry.recorded);
      const target = { server: held.server, configurations, receiver: held.receiver };
      held.outcomes = startAll(recorded, target, PARALLEL);
    });
    afterAll(async () => {
      await held.server?.dispose();
      await held.receiver?.[Symbol.asyncDispose]();
    });
    for (const entry of cases) {
      test(titleOf(entry), async () => {
        const error = await held.outcomes!.get(entry.recorded);
        if (error !== undefined) throw error;
      });
    }
  });
}

function withHook(settings: Settings, url: string): Settings {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, value === HOOK ? url : value]));
}

function titleOf(entry: RecordedCase): string {
  return `${entry.area}: ${entry.recorded.name}`;
}

function reasonToWait(entry: RecordedCase): string | undefined {
  return LATER_AREAS[entry.area] ?? LATER_CASES[titleOf(entry)];
}
