/**
 * Every recorded case that is owed now, against a real server process per configuration.
 * WK_CASES=text runs only the cases with that text in "area: name".
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DescribedApi } from "../harness/described-api.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { WebhookReceiver } from "../harness/webhook-receiver.ts";
import { type Case, loadCases, loadConfigurations, type RecordedCase } from "./case.ts";
import { LATER_AREAS } from "./later.ts";
import { startAll } from "./runner.ts";

const PARALLEL = 8;
const all = loadCases();
const receiver = await WebhookReceiver.start();
const configurations = loadConfigurations(receiver.url);
const owed = all.filter((entry) => !(entry.area in LATER_AREAS));
const chosen = owed.filter((entry) => titleOf(entry).includes(process.env["WK_CASES"] ?? ""));

test("every entry of the list of later areas names something recorded", () => {
  const areas = new Set(all.map((entry) => entry.area));
  expect(Object.keys(LATER_AREAS).filter((area) => !areas.has(area))).toEqual([]);
});

test("no two cases have the same area and name", () => {
  expect(new Set(all.map(titleOf)).size).toBe(all.length);
});

afterAll(() => receiver.close());

for (const [configuration, cases] of Map.groupBy(chosen, (entry) => entry.recorded.config ?? "default")) {
  describe(`configuration ${configuration}`, () => {
    const held: { server?: ServerProcess; outcomes?: Map<Case, Promise<Error | undefined>> } = {};
    beforeAll(async () => {
      held.server = await ServerProcess.start({ settings: configurations[configuration]! });
      const recorded = cases.map((entry) => entry.recorded);
      const isOurs = process.env["WK_TEST_COMMAND"] === undefined;
      const { http } = held.server;
      const described = isOurs
        ? { api: await DescribedApi.of(http), manager: await DescribedApi.of(http, "manager") }
        : undefined;
      held.outcomes = startAll(recorded, { server: held.server, configurations, receiver, described }, PARALLEL);
    });
    afterAll(async () => {
      await held.server?.dispose();
    });
    for (const entry of cases) {
      test(titleOf(entry), async () => {
        const error = await held.outcomes!.get(entry.recorded);
        if (error !== undefined) throw error;
      });
    }
  });
}

function titleOf(entry: RecordedCase): string {
  return `${entry.area}: ${entry.recorded.name}`;
}
