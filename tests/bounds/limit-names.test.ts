/** The suite can set every count bound to 100: none is forgotten in its list of them. */
import { defaultConfig } from "@wukong-ts/server";
import { expect, test } from "vitest";
import { COUNT_LIMITS, KEPT_LIMITS } from "../harness/limits.ts";

test("bounds: every count bound of the configuration has a key in the list of limits", () => {
  const counts = Object.keys(defaultConfig().limits).filter(
    (name) => !name.endsWith("BytesMax") && !name.endsWith("Ms"),
  );
  expect([...COUNT_LIMITS, ...KEPT_LIMITS].toSorted()).toEqual(counts.map((name) => `limits.${name}`).toSorted());
});
