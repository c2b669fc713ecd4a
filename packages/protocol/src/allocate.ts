/**
 * Where the memory of frames and payloads comes from. In Node a typed array above 64 bytes with memory of its own costs
 * about 0.9 µs, ten times a piece of a block, which matters when one message goes to a thousand sessions. But a piece
 * keeps its whole block alive, so pieces are for what is gone soon: the default is memory of its own.
 */

/** The memory may hold old bytes; whoever asks for it fills all of it. */
export type Allocate = (byteLength: number) => Uint8Array;

export const allocateExact: Allocate = (byteLength) => new Uint8Array(byteLength);

/** Pieces of 8 KB blocks up to 4 KB, where the platform has such a pool (Node's Buffer); else as `allocateExact`. */
export const allocateFromPool: Allocate = globalThis.Buffer === undefined ? allocateExact : allocateFromBufferPool;

function allocateFromBufferPool(byteLength: number): Uint8Array {
  const piece = globalThis.Buffer.allocUnsafe(byteLength);
  // A plain Uint8Array: `slice` of a Buffer would not copy.
  return new Uint8Array(piece.buffer, piece.byteOffset, byteLength);
}
