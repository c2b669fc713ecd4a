/**
 * A RECV with all that its receivers share, made once for everybody who sees the message alike: same version class (below
 * 3, 3 to 5, 6), same transport, same flags, setting and channel name. Only msgKey and the encrypted payload are left to
 * be made per session. Immutable for whoever holds it.
 */
import { type Allocate, allocateFromPool, cutRecv, type Recv } from "@wukong-ts/protocol";

export const BLOCK_BYTES = 16;
export const MSG_KEY_BYTES = 32;
/** topBytes, keyAt, signBytes, payloadBlocks, and 16 bytes that are not used. */
export const CUT_HEAD_BYTES = 32;

export interface RecvCutOptions {
  readonly version: number;
  /** The frame is a WebSocket message: it begins with the header of one (binary, final, not masked). */
  readonly webSocket?: boolean;
  readonly allocate?: Allocate;
}

export class RecvCut {
  /** Bytes of every frame made of it. */
  readonly frameBytes: number;
  /** head | top | sign | payload and padding: as the module takes it. */
  readonly image: Uint8Array;
  readonly topBytes: number;
  readonly msgKeyAt: number;
  readonly signBytes: number;
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
    const allocate = options.allocate ?? allocateFromPool;
    const before = CUT_HEAD_BYTES + (options.webSocket === true ? WEB_SOCKET_HEADER_BYTES_MAX : 0);
    const parts = cutRecv(recv, options.version, textBytes, before, paddedBytes, allocate);
    const frameBytes = parts.topBytes + textBytes;
    const headerBytes = options.webSocket === true ? writeWebSocketHeader(parts.bytes, before, frameBytes) : 0;
    const image = parts.bytes.subarray(before - CUT_HEAD_BYTES - headerBytes);
    const payloadAt = image.length - paddedBytes;
    image.set(payload, payloadAt);
    image.fill(padding, payloadAt + payload.length);
    this.frameBytes = headerBytes + frameBytes;
    this.image = image;
    this.topBytes = headerBytes + parts.topBytes;
    this.msgKeyAt = headerBytes + parts.msgKeyAt;
    this.signBytes = parts.signBytes;
    this.payloadBlocks = paddedBytes / BLOCK_BYTES;
    this.blocks = this.payloadBlocks + Math.floor((parts.signBytes + textBytes) / BLOCK_BYTES) + 1;
    writeUint32(image, 0, this.topBytes);
    writeUint32(image, 4, this.msgKeyAt);
    writeUint32(image, 8, this.signBytes);
    writeUint32(image, 12, this.payloadBlocks);
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
