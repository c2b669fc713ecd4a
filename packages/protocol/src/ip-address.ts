/** IP addresses between text and bytes, for the PROXY header. Written in the one canonical form, so that equal means same. */

const IPV4 = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const GROUPS = 8;

/** undefined: not an IPv4 address in dotted decimal. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.some((part) => part > 255) ? undefined : Uint8Array.from(parts);
}

/** undefined: not an IPv6 address. A zone (`%eth0`) is not part of one here. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const before = parseGroups(halves[0]!, halves.length === 1);
  const after = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (before === undefined || after === undefined) return undefined;
  const missing = GROUPS - before.length - after.length;
  // A double colon stands for at least one group; without one all eight must be there.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...before, ...new Array<number>(missing).fill(0), ...after];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

/** The groups of one side of the double colon; the last one may be an IPv4 address, worth two. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const ipv4 = isEnd && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push((ipv4[0]! << 8) | ipv4[1]!, (ipv4[2]! << 8) | ipv4[3]!);
    else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** Of 4 or 16 bytes. An IPv4 address inside IPv6 (`::ffff:1.2.3.4`) comes out as IPv4. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: GROUPS }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  const { start, length } = longestZeroRun(groups);
  const texts = groups.map((group) => group.toString(16));
  if (length < 2) return texts.join(":");
  return `${texts.slice(0, start).join(":")}::${texts.slice(start + length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
