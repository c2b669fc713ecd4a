/** Bits and small numbers of the wire that have names: header flags, the Setting byte, device flags, stream flags. */

/** The low half of the first byte of SEND, SENDACK, RECV and RECVACK. CONNACK uses bit 0 differently. */
export const HeaderFlag = { noPersist: 1, redDot: 2, syncOnce: 4, dup: 8 } as const;

/** Bits of the Setting byte of SEND and RECV. Unnamed bits travel untouched. */
export const Setting = { receipt: 0x80, signal: 0x20, noEncrypt: 0x10, topic: 0x08, stream: 0x02 } as const;

export const DeviceFlag = { app: 0, web: 1, pc: 2, system: 99 } as const;

export const StreamFlag = { start: 0, ing: 1, end: 2 } as const;
