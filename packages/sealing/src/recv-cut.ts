/**
 * A RECV with all that its receivers share, made once for everybody who sees the message alike: same version class (below
 * 3, 3 to 5, 6), same transport, same flags, setting and channel name. Only msgKey and the encrypted payload are left to
 * be made per session. Immutable for whoever holds it.
 */
import { type Allocate, cutRecv, type Recv } from "@wukong-ts/protocol";

export const BLOCK_BYTES = 16;
export const MSG_KEY_BYTES = 32;
/** Six numbers that say where the parts are, as `assembly/seal.ts` has them; then 8 bytes that are not used. */
const CUT_HEAD_BYTES = 32;

export interface RecvCutOptions {
  readonly version: number;
  /** The frame is a WebSocket message: it begins with the header of one (binary, final, not masked). */
  readonly webSocket?: boolean;
  readonly allocate?: Allocate;
}

export class RecvCut {
  /** Bytes of every frame made of it. */
  readonly frameBytes: number;
  /** As the module takes it: head, top of the frame, sign text, payload and its padding. */
  readonly image: Uint8Array;
  /** The frame up to its payload. */
  readonly topAt: number;
  readonly topBytes: number;
  /** Within the top. */
  readonly msgKeyAt: number;
  /** What stands before the payload in the sign text; right behind the top. */
  readonly signBytes: number;
  /** To the end of the image. */
  readonly payloadAt: number;
  /** Blocks of the payload, padding included. */
  readonly payloadBlocks: number;
  /** Blocks of the payload and of the sign text: what one frame costs. */
  readonly blocks: number;
  /** Where a sealer has put it, in the batch of that number. For sealers only. */
  placedIn = 0;
  place = 0;

  constructor(recv: Recv, options: RecvCutOptions) {
    const { payload } = recv;
    const padding = BLOCK_BYTES - (payload.length % BLOCK_BYTES);
    const paddedBytes = payload.length + padding;
    const textBytes = base64Length(paddedBytes);
    const isWebSocket = options.webSocket === true;
    const before = isWebSocket ? CUT_HEAD_BYTES + WEB_SOCKET_HEADER_BYTES_MAX : CUT_HEAD_BYTES;
    const allocate = options.allocate ?? allocateFromPool;
    const parts = cutRecv(recv, options.version, textBytes, before, paddedBytes, allocate);
    const image = parts.bytes;
    const headerBytes = isWebSocket ? writeWebSocketHeader(image, before, parts.topBytes + textBytes) : 0;
    const payloadAt = image.length - paddedBytes;
    image.set(payload, payloadAt);
    for (let at = image.length - padding; at < image.length; at++) image[at] = padding;
    this.frameBytes = headerBytes + parts.topBytes + textBytes;
    this.image = image;
    this.topAt = before - headerBytes;
    this.topBytes = headerBytes + parts.topBytes;
    this.msgKeyAt = headerBytes + parts.msgKeyAt;
    this.signBytes = parts.signBytes;
    this.payloadAt = payloadAt;
    this.payloadBlocks = paddedBytes / BLOCK_BYTES;
    this.blocks = this.payloadBlocks + Math.floor((parts.signBytes + textBytes) / BLOCK_BYTES) + 1;
    writeUint32(image, 0, this.topAt);
    writeUint32(image, 4, this.topBytes);
    writeUint32(image, 8, this.msgKeyAt);
    writeUint32(image, 12, this.signBytes);
    writeUint32(image, 16, payloadAt);
    writeUint32(image, 20, this.payloadBlocks);
  }
}

/** What `seal` will write for these items. */
export function sealedLength(items: readonly (RecvCut | Uint8Array)[]): number {
  let length = 0;
  for (const item of items) length += item instanceof RecvCut ? item.frameBytes : item.length;
  return length;
}

function base64Length(byteLength: number): number {
  return 4 * Math.ceil(byteLength / 3);
}

/** A cut lives until its frames are written. */
const allocateFromPool: Allocate = (byteLength) => Buffer.allocUnsafe(byteLength);

const WEB_SOCKET_HEADER_BYTES_MAX = 10;
const FINAL_BINARY = 0x82;

/** Writes the header so that it ends at `end`, and returns its length. */
function writeWebSocketHeader(bytes: Uint8Array, end: number, payloadBytes: number): number {
  if (payloadBytes < 126) {
    bytes[end - 2] = FINAL_BINARY;
    bytes[end - 1] = payloadBytes;
    return 2;
  }
  if (payloadBytes < 0x1_0000) {
    bytes[end - 4] = FINAL_BINARY;
    bytes[end - 3] = 126;
    bytes[end - 2] = payloadBytes >>> 8;
    bytes[end - 1] = payloadBytes;
    return 4;
  }
  // A frame has less than 2^28 bytes, so four of the eight length bytes are zero.
  bytes.fill(0, end - 10, end - 4);
  bytes[end - 10] = FINAL_BINARY;
  bytes[end - 9] = 127;
  bytes[end - 4] = payloadBytes >>> 24;
  bytes[end - 3] = payloadBytes >>> 16;
  bytes[end - 2] = payloadBytes >>> 8;
  bytes[end - 1] = payloadBytes;
  return 10;
}

/** Little-endian. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
