/** The packet types of WKProto: the high half of a frame's first byte. 0 and 13–15 do not exist. */
export const PacketType = {
  connect: 1,
  connack: 2,
  send: 3,
  sendack: 4,
  recv: 5,
  recvack: 6,
  ping: 7,
  pong: 8,
  disconnect: 9,
  sub: 10,
  suback: 11,
  event: 12,
} as const;

/** What WuKongIM v2.2.5 speaks. The codec knows 0 to `CODEC_VERSION_MAX`. */
export const LATEST_VERSION = 5;

/** Version 6 widens `messageSeq` to 64 bits and lets SENDACK end with the client's message number. */
export const CODEC_VERSION_MAX = 6;
