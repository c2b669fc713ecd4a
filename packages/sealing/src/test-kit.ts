/** What the tests of this package share. */
import { randomInt } from "node:crypto";
import type { Send } from "@wukong-ts/protocol";
import fc from "fast-check";
import { NodeSealer } from "./node-sealer.ts";
import type { Sealer } from "./sealer.ts";
import { compiledModule, WasmSealer } from "./wasm-sealer.ts";

/** Both kinds by name: every promise is kept by both. */
export const kinds: readonly (readonly [string, () => Sealer])[] = [
  ["wasm", () => wasmSealer()],
  ["node", () => new NodeSealer()],
];

export function wasmSealer(): WasmSealer {
  const module = compiledModule();
  if (module === undefined) throw new Error("the tests need relaxed SIMD");
  return new WasmSealer(module);
}

/** Printed, so that a failure can be repeated with WK_SEED. */
export function seed(): number {
  const value = Number(process.env["WK_SEED"] ?? randomInt(0x7fff_ffff));
  process.stdout.write(`WK_SEED=${value}\n`);
  return value;
}

export const block: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 16, maxLength: 16 });

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const emptySend: Send = {
  type: 3,
  flags: 0,
  setting: 0,
  clientSeq: 1,
  clientMsgNo: "",
  channelId: "",
  channelType: 1,
  expire: 0,
  msgKey: "",
  topic: "",
  payload: new Uint8Array(0),
};
