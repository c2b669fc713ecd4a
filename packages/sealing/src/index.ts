/** The public surface of the package, as a list. */
export { createSealer } from "./create-sealer.ts";
export { RecvCut, type RecvCutOptions, sealedLength } from "./recv-cut.ts";
export type { Sealer } from "./sealer.ts";
export { warmUp } from "./warm-up.ts";
