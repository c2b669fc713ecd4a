/** Which protocol a connection speaks, on the recorded first bytes. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { looksLikeJson } from "./json-detection.ts";

const vectors: { readonly jsonPrefixDetection: readonly { readonly hex: string; readonly isJson: boolean }[] } =
  JSON.parse(readFileSync(new URL("../../../tests/vectors/wkproto.json", import.meta.url), "utf8"));

/** Nothing and only white space are no JSON for v2.2.5; here they are undecided, so that the rest is waited for. */
const undecided = new Set(["", "2020"]);

test("all recorded beginnings are here", () => {
  expect(vectors.jsonPrefixDetection.length).toBe(7);
});

test.each(vectors.jsonPrefixDetection.map((vector) => [vector.hex, vector.isJson] as const))('"%s"', (hex, isJson) => {
  expect(looksLikeJson(Uint8Array.from(Buffer.from(hex, "hex")))).toBe(undecided.has(hex) ? undefined : isJson);
});
