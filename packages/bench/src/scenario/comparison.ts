/** One scenario with several values of one setting of the server: `gateway.workers=0,1,2`. */
import type { Scenario } from "./scenario.ts";

export interface Comparison {
  readonly setting: string;
  readonly values: readonly (string | number | boolean)[];
}

export function parseComparison(text: string): Comparison {
  const match = /^([\w.]+)=([^=]+)$/.exec(text);
  if (match === null) throw new Error(`${text}: expected a setting and its values, as gateway.workers=0,1,2`);
  const [, setting, values] = match;
  return { setting: setting!, values: values!.split(",").map(readValue) };
}

/** The scenario itself without a comparison. */
export function variantsOf(scenario: Scenario, comparison: Comparison | undefined): readonly Scenario[] {
  if (comparison === undefined) return [scenario];
  const { setting, values } = comparison;
  return values.map((value) => ({
    ...scenario,
    name: `${scenario.name} ${setting}=${value}`,
    server: { ...scenario.server, [setting]: value },
  }));
}

function readValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^\d+$/.test(text) ? Number(text) : text;
}
