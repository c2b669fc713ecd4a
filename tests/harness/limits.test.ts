import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { COUNT_LIMITS, KEPT_LIMITS } from "./limits.ts";

test("bounds: every count bound of the configuration has a key in the list of limits", () => {
  const program = fileURLToPath(new URL("../../packages/server/bin/wukongim.js", import.meta.url));
  const example = execFileSync(process.execPath, [program, "config", "example"], { encoding: "utf8" });
  const section = /^limits:\n((?: .*\n|\n)*)/m.exec(example)?.[1] ?? "";
  const counts = Array.from(section.matchAll(/^ {2}(\w+): \d+$/gm), ([, name]) => `limits.${name}`);
  expect(counts.length).toBeGreaterThan(5);
  expect(new Set([...COUNT_LIMITS, ...KEPT_LIMITS])).toEqual(new Set(counts));
});
