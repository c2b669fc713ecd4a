/** `vitest run -u` writes the file anew after a change of the definitions. */
import { expect, test } from "vitest";
import { metricsPage } from "./documents.ts";
import { LEGACY_FAMILIES } from "./legacy-families.ts";
import { SERVER_FAMILIES } from "./server-metrics.ts";

test("docs/metrics.md is what the definitions make", async () => {
  const docs = new URL("../../../../../docs/metrics.md", import.meta.url).pathname;
  await expect(metricsPage()).toMatchFileSnapshot(docs);
});

test("every metric of ours begins with wk_, and only counters end in _total", () => {
  for (const { name, kind } of SERVER_FAMILIES) {
    expect(name).toMatch(/^wk_[a-z0-9_]+$/);
    expect(name.endsWith("_total"), name).toBe(kind === "counter");
  }
});

test("what an old name is said to be exists under our names", () => {
  const names = new Set(SERVER_FAMILIES.map(({ name }) => name));
  for (const { name, is } of LEGACY_FAMILIES) {
    const ours = is.match(/wk_[a-z0-9_]+/g) ?? [];
    expect(ours.length, name).toBeGreaterThan(0);
    for (const each of ours) expect(names, name).toContain(each.replace(/_(bucket|count)$/, ""));
  }
});
