/** IP networks as operators write them, `10.0.0.0/8` or one address, and whether an address lies in one. */
import { parseIpv4, parseIpv6 } from "@wukong-ts/protocol";

export interface IpNetwork {
  /** 4 or 16. */
  readonly bytes: Uint8Array;
  readonly prefixBits: number;
}

export function parseNetwork(text: string): IpNetwork | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  const bytes = parseIp(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const bits = bytes.length * 8;
  if (prefix === undefined) return { bytes, prefixBits: bits };
  if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > bits) return undefined;
  return { bytes, prefixBits: Number(prefix) };
}

/** A test for addresses; those that are none lie nowhere. */
export function networksContain(networks: readonly string[]): (ip: string) => boolean {
  const parsed = networks.map(parseNetwork).filter((network) => network !== undefined);
  return (ip) => {
    const bytes = parseIp(ip);
    return bytes !== undefined && parsed.some((network) => contains(network, bytes));
  };
}

function contains({ bytes, prefixBits }: IpNetwork, ip: Uint8Array): boolean {
  if (bytes.length !== ip.length) return false;
  const whole = prefixBits >>> 3;
  for (let index = 0; index < whole; index++) if (bytes[index] !== ip[index]) return false;
  const mask = (0xff << (8 - (prefixBits & 7))) & 0xff;
  return mask === 0 || ((bytes[whole] ?? 0) & mask) === ((ip[whole] ?? 0) & mask);
}

function parseIp(text: string): Uint8Array | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}
