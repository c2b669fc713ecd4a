/** `vitest run -u` writes the files anew after a change of the schema. */
import { expect, test } from "vitest";
import { exampleFile, referencePage } from "./documents.ts";
import { defaultConfig, loadConfig } from "./load.ts";

const DOCS = new URL("../../../../docs/", import.meta.url).pathname;

test("docs/wk.example.yaml is what the schema makes", async () => {
  await expect(exampleFile()).toMatchFileSnapshot(`${DOCS}wk.example.yaml`);
});

test("docs/configuration.md is what the schema makes", async () => {
  await expect(referencePage()).toMatchFileSnapshot(`${DOCS}configuration.md`);
});

test("the example loads without a warning and equals the defaults", () => {
  const loaded = loadConfig({ file: { path: "wk.example.yaml", text: exampleFile() }, env: {}, flags: {} });
  expect(loaded).toEqual({ ok: true, config: defaultConfig(), warnings: [] });
});
