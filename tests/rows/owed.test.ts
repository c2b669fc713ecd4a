/** The rows that this server owes its users: each is the beginning of a test's title, or waits for a named feature. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LATER_ROWS } from "./later.ts";

const HOLES = [
  ...numbers("H", 1, 61),
  "H-07b",
  "H-24b",
  "H-24c",
  "H-24d",
  "H-29b",
  "H-29c",
  "H-29d",
  "H-40b",
  "H-40c",
  "H-40d",
  "H-40e",
  "H-40f",
  "H-40g",
  "H-40h",
  "H-40i",
  "H-40j",
];
const REPORTS = [...numbers("R", 1, 61), "R-67", "R-68", "R-69"];

function numbers(letter: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_item, n) => `${letter}-${String(first + n).padStart(2, "0")}`);
}

/** The rows that titles begin with; a title may name several: "H-31, R-50: …". */
function testedRows(): Set<string> {
  const folder = new URL("../", import.meta.url);
  const rows = new Set<string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".test.ts")) continue;
    const source = readFileSync(new URL(name, folder), "utf8").replace(/test\.todo\(\s*["'`].*/g, "");
    for (const [, title] of source.matchAll(/["'`]((?:[HR]-\d\d[a-z]?(?:, )?)+): /g)) {
      for (const row of title!.split(", ")) rows.add(row);
    }
  }
  return rows;
}

test("every owed row has a test, or is on the list of later rows, not both", () => {
  const tested = testedRows();
  const missing = [...HOLES, ...REPORTS].filter((row) => !tested.has(row) && !(row in LATER_ROWS));
  expect(missing).toEqual([]);
  expect(Object.keys(LATER_ROWS).filter((row) => tested.has(row))).toEqual([]);
});
