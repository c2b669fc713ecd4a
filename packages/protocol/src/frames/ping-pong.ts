/** PING and PONG: one byte each, 0x70 and 0x80, without a length. Flag bits are ignored when read. */

export interface Ping {
  readonly type: 7;
}

export interface Pong {
  readonly type: 8;
}

/** A fresh byte each time: whoever gets it may keep or change it. */
export function encodePing(): Uint8Array {
  return Uint8Array.of(0x70);
}

export function encodePong(): Uint8Array {
  return Uint8Array.of(0x80);
}
