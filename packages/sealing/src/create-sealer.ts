/** Which kind of sealer this machine gets. */
import { NodeSealer } from "./node-sealer.ts";
import type { Sealer } from "./sealer.ts";
import { compiledModule, WasmSealer } from "./wasm-sealer.ts";

/** Compiled once for the process; each sealer is an instance of its own. */
const MODULE = compiledModule();

/** Takes a fraction of a millisecond. `kind` of what comes back is worth a line in the log. */
export function createSealer(): Sealer {
  return MODULE === undefined ? new NodeSealer() : new WasmSealer(MODULE);
}
