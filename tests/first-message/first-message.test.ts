/** Every way a first message can happen: an acknowledged one is in both lists, a refused one nowhere. */
import { describe, expect, test } from "vitest";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { CellRun } from "./cell-run.ts";
import { cellsOf, RESTARTS, type Restart } from "./matrix.ts";

const CELLS_MIN = 2_000;
const AT_ONCE = atOnce(64);
const POSITIONS = [true, false] as const;
const ENDINGS: Readonly<Record<Restart, string>> = {
  none: "no restart",
  SIGTERM: "after SIGTERM",
  SIGKILL: "after kill -9 at the last SENDACK",
};

test(`the first-message matrix has at least ${CELLS_MIN} cells`, () => {
  const count = POSITIONS.flatMap((off) => RESTARTS.flatMap((restart) => cellsOf(off, restart))).length;
  console.log(`first-message matrix: ${count} person cells`);
  expect(count).toBeGreaterThanOrEqual(CELLS_MIN);
});

describe.each(POSITIONS)("whitelistOffOfPerson %s", (allowListOff) => {
  const shared = sharedServer({ settings: { whitelistOffOfPerson: allowListOff } });
  /** The cells of the tests before, which must survive every later restart too. */
  const earlier: CellRun[] = [];

  test.each(RESTARTS.map((restart) => ({ restart, ending: ENDINGS[restart] })))("$ending", async ({ restart }) => {
    const server = shared.current;
    const runs = cellsOf(allowListOff, restart).map((cell) => new CellRun(cell, server));
    const accounts = runs.filter(({ cell }) => cell.sender.endsWith("system account")).map(({ sender }) => sender);
    await server.http.ask("/user/systemuids_add", { uids: accounts });
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
});
