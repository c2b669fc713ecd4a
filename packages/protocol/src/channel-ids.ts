/** Names and ids that mean something to both sides: reserved uids, person channels, command channels. */
import { utf8Length, utf8Write } from "./utf8.ts";

export const SYSTEM_UID = "____system";
export const MANAGER_UID = "____manager";
export const SYSTEM_DEVICE_ID = "____device";
export const COMMAND_SUFFIX = "____cmd";
export const ONLINE_COMMAND_CHANNEL = "systemcmdonline";

const SEPARATOR = "@";
const crcTable = buildCrcTable();

function buildCrcTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    return value;
  });
}

/** CRC-32 (IEEE) of the UTF-8 bytes, unsigned. */
export function crc32(text: string): number {
  let crc = -1;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return crc32OfBytes(utf8Bytes(text));
    crc = (crc >>> 8) ^ crcTable[(crc ^ unit) & 0xff]!;
  }
  return ~crc >>> 0;
}

function crc32OfBytes(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/** FNV-1a of the UTF-8 bytes, 64 bits, unsigned. */
export function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of utf8Bytes(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  utf8Write(bytes, 0, text);
  return bytes;
}

/**
 * The internal id of the channel of two people, the same from both sides: the uid with the greater CRC first. The
 * original leaves equal CRCs of different uids to the caller's side; here the greater uid comes first then.
 */
export function personChannelId(a: string, b: string): string {
  const difference = crc32(a) - crc32(b);
  const isAFirst = difference === 0 ? a > b : difference > 0;
  return isAFirst ? `${a}${SEPARATOR}${b}` : `${b}${SEPARATOR}${a}`;
}

/** Both uids of a person channel's internal id; undefined unless it has exactly two parts. */
export function personPeers(internalId: string): readonly [string, string] | undefined {
  const at = internalId.indexOf(SEPARATOR);
  if (at < 0 || internalId.indexOf(SEPARATOR, at + 1) >= 0) return undefined;
  return [internalId.slice(0, at), internalId.slice(at + 1)];
}

export function withCommandSuffix(id: string): string {
  return id.endsWith(COMMAND_SUFFIX) ? id : id + COMMAND_SUFFIX;
}

export function withoutCommandSuffix(id: string): string {
  return id.endsWith(COMMAND_SUFFIX) ? id.slice(0, -COMMAND_SUFFIX.length) : id;
}
