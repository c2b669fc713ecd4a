/** The scenarios that come with the bench, and files of one's own. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ScenarioError } from "./fields.ts";
import type { Scenario } from "./scenario.ts";
import { parseScenario } from "./scenario-parser.ts";

const FOLDER = join(import.meta.dirname, "../../scenarios");
const ENDING = ".yaml";

export function scenarioNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => basename(file, ENDING))
    .sort();
}

/** `nameOrFile`: a name of `scenarioNames`, or the path of a file (YAML or JSON). */
export function loadScenario(nameOrFile: string): Scenario {
  const known = join(FOLDER, `${nameOrFile}${ENDING}`);
  if (/^[\w-]+$/.test(nameOrFile) && existsSync(known)) return parseScenario(readFileSync(known, "utf8"), nameOrFile);
  if (!existsSync(nameOrFile)) {
    throw new ScenarioError(`${nameOrFile}: no such scenario or file; there are ${scenarioNames().join(", ")}`);
  }
  const name = basename(nameOrFile).replace(/\.(ya?ml|json)$/, "");
  return parseScenario(readFileSync(nameOrFile, "utf8"), name);
}
