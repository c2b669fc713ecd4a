import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the committed module is what the compiler makes of assembly/ today", () => {
  const script = fileURLToPath(new URL("../scripts/build-wasm.ts", import.meta.url));
  const built = execFileSync(process.execPath, [script, "--print"], { encoding: "utf8" });
  expect(built === readFileSync(new URL("./seal-wasm.ts", import.meta.url), "utf8")).toBe(true);
});
