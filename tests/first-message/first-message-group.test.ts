/** First messages of groups, with members who came, went and came back around them. */
import { expect, test } from "vitest";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { groupCellsOf } from "./group-matrix.ts";
import { GroupRun } from "./group-run.ts";
import { RESTARTS } from "./matrix.ts";

const CELLS_MIN = 1_000;
const AT_ONCE = atOnce(64);

test(`the matrix of groups has at least ${CELLS_MIN} cells`, () => {
  const count = RESTARTS.flatMap(groupCellsOf).length;
  console.log(`first-message matrix: ${count} group cells`);
  expect(count).toBeGreaterThanOrEqual(CELLS_MIN);
});

const shared = sharedServer();
/** The cells of the tests before, which must survive every later restart too. */
const earlier: GroupRun[] = [];

test.each(RESTARTS)("groups: members added before, during and after the burst, restart: %s", async (restart) => {
  const server = shared.current;
  const runs = groupCellsOf(restart).map((cell) => new GroupRun(cell, server));
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
