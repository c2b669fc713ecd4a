/** First messages of customer service, visitors, agent and agent-group channels: everybody who belongs there has the chat. */
import { expect, test } from "vitest";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { kindCellsOf } from "./kind-matrix.ts";
import { KindRun } from "./kind-run.ts";
import { RESTARTS } from "./matrix.ts";

const CELLS_MIN = 1_000;
const AT_ONCE = atOnce(64);

test(`the matrix of kinds has at least ${CELLS_MIN} cells`, () => {
  const count = RESTARTS.flatMap(kindCellsOf).length;
  console.log(`first-message matrix: ${count} cells of other kinds`);
  expect(count).toBeGreaterThanOrEqual(CELLS_MIN);
});

const shared = sharedServer();
/** The cells of the tests before, which must survive every later restart too. */
const earlier: KindRun[] = [];

test.each(RESTARTS)("types 3, 10, 11 and 12: by every speaker, restart: %s", async (restart) => {
  const server = shared.current;
  const runs = kindCellsOf(restart).map((cell) => new KindRun(cell, server));
  await inParallel(runs, AT_ONCE, (run) => run.prepare());
  if (restart === "SIGKILL") {
    let waiting = runs.length;
    await inParallel(runs, AT_ONCE, async (run) => {
      await run.act().finally(() => {
        if (--waiting === 0) server.signal("SIGKILL");
      });
    });
    for (const run of runs) run.close();
  } else {
    await inParallel(runs, AT_ONCE, async (run) => {
      await run.act();
      await run.leave();
    });
  }
  if (restart !== "none") await server.restart(restart);
  await inParallel([...earlier, ...runs], AT_ONCE, (run) => run.check());
  earlier.push(...runs);
});
