/** The recorded PROXY headers, and what v2.2.5 gets wrong or has no opinion about. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIp, parseIpv6 } from "./ip-address.ts";
import { type ProxyHeader, parseProxyHeader } from "./proxy-header.ts";

interface ProxyVector {
  readonly name: string;
  readonly hex: string;
  readonly headerSize: number;
  readonly remoteAddr?: string;
}

const vectors: { readonly proxyProtocol: readonly ProxyVector[] } = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/wkproto.json", import.meta.url), "utf8"),
);

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

function shown(header: ProxyHeader): string {
  if (header.kind !== "header" || header.source === undefined) return "none";
  const { ip, port } = header.source;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

describe("recorded headers", () => {
  /** v2.2.5 knows no "more bytes are coming" and fails; it refuses the health check of real load balancers, too. */
  const differences = new Map<string, ProxyHeader>([
    ["v1-no-crlf", { kind: "incomplete" }],
    ["v2-truncated", { kind: "incomplete" }],
    ["v2-local-len0", { kind: "header", headerBytes: 16 }],
  ]);

  test("are all here", () => {
    expect(vectors.proxyProtocol.length).toBe(12);
  });

  test.each(vectors.proxyProtocol.map((vector) => [vector.name, vector] as const))("%s", (name, vector) => {
    const header = parseProxyHeader(bytesOf(vector.hex));
    const difference = differences.get(name);
    if (difference !== undefined) {
      expect(header).toEqual(difference);
    } else if (vector.headerSize === 0) {
      expect(header.kind).toBe("malformed");
    } else {
      expect(header).toMatchObject({ kind: "header", headerBytes: vector.headerSize });
      expect(shown(header)).toBe(vector.remoteAddr ?? "none");
    }
  });

  test("are incomplete at every shorter length", () => {
    for (const { hex, headerSize } of vectors.proxyProtocol) {
      for (let length = 0; length < headerSize; length++) {
        expect(parseProxyHeader(bytesOf(hex).subarray(0, length))).toEqual({ kind: "incomplete" });
      }
    }
  });
});

describe("other headers", () => {
  test.each([
    ["a line of more than 107 bytes", `PROXY UNKNOWN ${"x".repeat(200)}\r\n`],
    ["a line that ends with LF alone", "PROXY UNKNOWN\n"],
    ["an unknown protocol", "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"],
    ["an IPv6 address in TCP4", "PROXY TCP4 ::1 ::1 1 2\r\n"],
    ["a bad destination", "PROXY TCP4 1.2.3.4 1.2.3.256 1 2\r\n"],
    ["a negative port", "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"],
    ["missing fields", "PROXY TCP4 1.2.3.4\r\n"],
    ["too many fields", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"],
  ])("%s is malformed", (_, line) => {
    expect(parseProxyHeader(ascii(line)).kind).toBe("malformed");
  });

  test("a version-2 header of another version, command or too short a length is malformed", () => {
    const signature = "0d0a0d0a000d0a515549540a";
    for (const rest of ["1111000c", "2211000c", "2111000b", "21210023"]) {
      expect(parseProxyHeader(bytesOf(signature + rest + "00".repeat(40))).kind).toBe("malformed");
    }
  });

  test("a Unix socket or an unknown family is a header without a source", () => {
    const signature = "0d0a0d0a000d0a515549540a";
    expect(parseProxyHeader(bytesOf(`${signature}213100d8${"61".repeat(216)}`))).toEqual({
      kind: "header",
      headerBytes: 232,
    });
    expect(parseProxyHeader(bytesOf(`${signature}21000000`))).toEqual({ kind: "header", headerBytes: 16 });
  });

  test("other protocols have none", () => {
    for (const hex of ["1048", "7b", "3063", "5048", "0d0b", "474554"]) {
      expect(parseProxyHeader(bytesOf(hex))).toEqual({ kind: "none" });
    }
  });

  test("anything is answered, never thrown at", () => {
    const starts = fc.constantFrom("50524f585920", "50524f58592054435034", "0d0a0d0a000d0a515549540a21", "");
    fc.assert(
      fc.property(starts, fc.uint8Array({ maxLength: 150 }), (start, rest) => {
        const header = parseProxyHeader(Uint8Array.from([...bytesOf(start), ...rest]));
        expect(["none", "incomplete", "malformed", "header"]).toContain(header.kind);
      }),
      { numRuns: 500 },
    );
  });
});

describe("IPv6 addresses", () => {
  test.each([
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::", "::"],
    ["1::", "1::"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["64:ff9b::203.0.113.7", "64:ff9b::cb00:7107"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ])("%s is written %s", (text, canonical) => {
    expect(formatIp(parseIpv6(text)!)).toBe(canonical);
  });

  test.each([
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "g::",
    "12345::",
    "1.2.3.4::",
    "::1%eth0",
  ])("%s is none", (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });
});
