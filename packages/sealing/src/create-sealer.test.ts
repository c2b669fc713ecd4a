import { afterEach, expect, test, vi } from "vitest";
import { webAssembly } from "./web-assembly.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

async function kindWith(webAssembly: unknown): Promise<string> {
  vi.stubGlobal("WebAssembly", webAssembly);
  vi.resetModules();
  const { createSealer } = await import("./create-sealer.ts");
  return createSealer().kind;
}

test("with relaxed SIMD the module seals", async () => {
  expect(await kindWith(webAssembly)).toBe("wasm");
});

test("without it node:crypto does", async () => {
  expect(await kindWith({ validate: () => false })).toBe("node");
});

test("without WebAssembly node:crypto does", async () => {
  expect(await kindWith(undefined)).toBe("node");
});
