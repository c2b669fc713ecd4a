/** Which kind of sealer this machine gets. */
import { NodeSealer } from "./node-sealer.ts";
import type { Sealer } from "./sealer.ts";
import { compiledModule, WasmSealer } from "./wasm-sealer.ts";

/** Takes a millisecond or two. `kind` of what comes back is worth a line in the log. */
export function createSealer(): Sealer {
  const module = compiledModule();
  return module === undefined ? new NodeSealer() : new WasmSealer(module);
}
