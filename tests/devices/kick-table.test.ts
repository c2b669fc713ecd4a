/** Who ends whose session at a login: every combination of flags, levels and devices, as data. */
import { expect, test } from "vitest";
import type { ServerProcess } from "../harness/server-process.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer({ settings: { tokenAuthOn: true } });
const FLAGS = [0, 1, 2, 99];
const LEVELS = { slave: 0, master: 1 } as const;
const DEVICES = ["same device", "other device"] as const;
/** A kicked session is closed within 2 s; some more for a busy machine. */
const CLOSED_WITHIN_MS = 6_000;
const STAYS_MS = 2_500;

type Level = keyof typeof LEVELS;
type End = "stays" | "told and closed" | "closed";

interface Cell {
  readonly oldFlag: number;
  readonly newFlag: number;
  readonly oldLevel: Level;
  readonly newLevel: Level;
  readonly device: (typeof DEVICES)[number];
}

/** Of the older session, where both have the same flag. Another flag is never touched. */
const SAME_FLAG: Readonly<Record<`${Level} after ${Level}`, Readonly<Record<Cell["device"], End>>>> = {
  "slave after slave": { "same device": "closed", "other device": "stays" },
  "slave after master": { "same device": "closed", "other device": "stays" },
  "master after master": { "same device": "closed", "other device": "told and closed" },
  // The new token of master level has ended it before the login.
  "master after slave": { "same device": "told and closed", "other device": "told and closed" },
};

const CELLS: readonly Cell[] = FLAGS.flatMap((oldFlag) =>
  FLAGS.flatMap((newFlag) =>
    (["slave", "master"] as const).flatMap((oldLevel) =>
      (["slave", "master"] as const).flatMap((newLevel) =>
        DEVICES.map((device) => ({ oldFlag, newFlag, oldLevel, newLevel, device })),
      ),
    ),
  ),
);

test("S-13: a login ends older sessions as the table of flags, levels and devices says", async () => {
  expect(CELLS).toHaveLength(128);
  const outcomes = await Promise.all(CELLS.map(async (cell) => ({ cell, end: await run(shared.current, cell) })));
  expect(outcomes.filter(({ cell, end }) => end !== expected(cell))).toEqual([]);
}, 60_000);

function expected({ oldFlag, newFlag, oldLevel, newLevel, device }: Cell): End {
  return oldFlag === newFlag ? SAME_FLAG[`${newLevel} after ${oldLevel}`][device] : "stays";
}

async function run(server: ServerProcess, cell: Cell): Promise<End> {
  const { backEnd } = server;
  const uid = uniqueId("u");
  await backEnd.setToken(uid, "old", cell.oldFlag, LEVELS[cell.oldLevel]);
  using older = await server.connect(uid, { token: "old", deviceFlag: cell.oldFlag, deviceId: `${uid}-1` });
  const keepsToken = cell.oldFlag === cell.newFlag && cell.oldLevel === cell.newLevel;
  if (!keepsToken) await backEnd.setToken(uid, "new", cell.newFlag, LEVELS[cell.newLevel]);
  const deviceId = cell.device === "same device" ? `${uid}-1` : `${uid}-2`;
  const token = keepsToken ? "old" : "new";
  using newer = await server.connect(uid, { token, deviceFlag: cell.newFlag, deviceId });
  const isClosed = await older.until(() => older.isClosed, expected(cell) === "stays" ? STAYS_MS : CLOSED_WITHIN_MS);
  expect(await newer.ping(), "the new session lives").toBe(true);
  if (isClosed) return older.disconnected === undefined ? "closed" : "told and closed";
  expect(await older.ping(), "a session that stays is answered").toBe(true);
  return "stays";
}
