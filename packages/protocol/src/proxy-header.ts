/**
 * The PROXY protocol's header (versions 1 and 2), with which a load balancer says who is behind a TCP connection. It
 * stands before everything else, so whoever reads it must have decided to trust the peer: anyone can write one.
 *
 *   v1   "PROXY TCP4 <source> <destination> <source port> <destination port>\r\n", at most 107 bytes
 *   v2   12 bytes of signature | version and command u8 | family and protocol u8 | length u16 | addresses | TLVs
 */
import { formatIp, parseIpv4, parseIpv6 } from "./ip-address.ts";

export type ProxyHeader =
  /** The bytes are something else. */
  | { readonly kind: "none" }
  /** So far a header; ask again with more bytes. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly detail: string }
  /** `source` is missing when the balancer does not name one: it speaks for itself (health checks) or does not know. */
  | { readonly kind: "header"; readonly headerBytes: number; readonly source?: ProxySource };

export interface ProxySource {
  readonly ip: string;
  readonly port: number;
}

const V1_PREFIX = Uint8Array.from("PROXY ", (character) => character.charCodeAt(0));
const V1_BYTES_MAX = 107;
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_FIXED_BYTES = 16;
/** By family: the bytes of one address, and of both with their ports. Family 3 is a Unix socket. */
const V2_FAMILIES = new Map([
  [1, { addressBytes: 4, totalBytes: 12 }],
  [2, { addressBytes: 16, totalBytes: 36 }],
  [3, { addressBytes: 0, totalBytes: 216 }],
]);

/** Looks at the first bytes of a connection. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (startsLike(bytes, V1_PREFIX)) return bytes.length < V1_PREFIX.length ? { kind: "incomplete" } : parseV1(bytes);
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? { kind: "incomplete" } : parseV2(bytes);
  return { kind: "none" };
}

function startsLike(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.subarray(0, prefix.length).every((byte, index) => byte === prefix[index]);
}

function parseV1(bytes: Uint8Array): ProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf(0x0a);
  if (end < 0) return bytes.length < V1_BYTES_MAX ? { kind: "incomplete" } : malformed("no end of line in 107 bytes");
  if (bytes[end - 1] !== 0x0d) return malformed("the line does not end with CR LF");
  const line = String.fromCharCode(...bytes.subarray(V1_PREFIX.length, end - 1));
  const headerBytes = end + 1;
  const [protocol, sourceText, destinationText, portText, destinationPortText, ...more] = line.split(" ");
  if (protocol === "UNKNOWN") return { kind: "header", headerBytes };
  if (protocol !== "TCP4" && protocol !== "TCP6") return malformed("an unknown protocol");
  const parse = protocol === "TCP4" ? parseIpv4 : parseIpv6;
  const source = parse(sourceText ?? "");
  if (source === undefined || parse(destinationText ?? "") === undefined) return malformed("a bad address");
  const port = parsePort(portText);
  if (port === undefined || parsePort(destinationPortText) === undefined) return malformed("a bad port");
  if (more.length > 0) return malformed("too many fields");
  return { kind: "header", headerBytes, source: { ip: formatIp(source), port } };
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0xffff ? undefined : port;
}

function parseV2(bytes: Uint8Array): ProxyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(12);
  const headerBytes = V2_FIXED_BYTES + view.getUint16(14);
  if (command !== 0x20 && command !== 0x21) return malformed("an unknown version or command");
  if (bytes.length < headerBytes) return { kind: "incomplete" };
  const isLocal = command === 0x20;
  const family = V2_FAMILIES.get(view.getUint8(13) >>> 4);
  if (family === undefined) return { kind: "header", headerBytes };
  if (headerBytes < V2_FIXED_BYTES + family.totalBytes) {
    return isLocal ? { kind: "header", headerBytes } : malformed("a length too small for the addresses");
  }
  if (family.addressBytes === 0) return { kind: "header", headerBytes };
  const ip = formatIp(bytes.slice(V2_FIXED_BYTES, V2_FIXED_BYTES + family.addressBytes));
  const port = view.getUint16(V2_FIXED_BYTES + 2 * family.addressBytes);
  return { kind: "header", headerBytes, source: { ip, port } };
}

function malformed(detail: string): ProxyHeader {
  return { kind: "malformed", detail };
}
