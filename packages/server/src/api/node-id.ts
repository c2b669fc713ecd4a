/** The node that a request names: there is one. */
import { about, type IntegerSchema, UINT64 } from "./json-schema.ts";

export const NODE: IntegerSchema<"uint64"> = about(UINT64, "0: this server.");

export function isHere(node: bigint, nodeId: number): boolean {
  return node === 0n || node === BigInt(nodeId);
}
