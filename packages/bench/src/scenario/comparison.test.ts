import { expect, test } from "vitest";
import { parseComparison, variantsOf } from "./comparison.ts";
import { loadScenario } from "./scenario-files.ts";

test("each value of the setting is a variant of the scenario with a name of its own", () => {
  const scenario = loadScenario("pairs-x8-plain");
  const variants = variantsOf(scenario, parseComparison("gateway.workers=0,2,auto"));
  expect(variants.map(({ name }) => name)).toEqual([
    "pairs-x8-plain gateway.workers=0",
    "pairs-x8-plain gateway.workers=2",
    "pairs-x8-plain gateway.workers=auto",
  ]);
  expect(variants.map(({ server }) => server)).toEqual(
    [0, 2, "auto"].map((workers) => ({ disableEncryption: true, "gateway.workers": workers })),
  );
  expect(variantsOf(scenario, undefined)).toEqual([scenario]);
});

test.each(["gateway.workers", "=1", "a=b=c", ""])("%j is refused", (text) => {
  expect(() => parseComparison(text)).toThrow("expected a setting");
});
