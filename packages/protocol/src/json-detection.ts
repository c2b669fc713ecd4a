/** Whether a connection speaks JSON-RPC: its first byte that is no white space is an opening brace. */

/** undefined: only white space so far. */
export function looksLikeJson(bytes: Uint8Array): boolean | undefined {
  for (const byte of bytes) {
    if (byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a) continue;
    return byte === 0x7b;
  }
  return undefined;
}
