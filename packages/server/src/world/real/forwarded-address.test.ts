import { expect, test } from "vitest";
import { forwardedRemote } from "./forwarded-address.ts";

const PEER = { ip: "10.0.0.1", port: 4711 };
const trusts = (ip: string): boolean => ip.startsWith("10.");

test.each([
  ["nothing", {}, PEER],
  ["one address", { "x-forwarded-for": "203.0.113.7" }, { ip: "203.0.113.7", port: 0 }],
  ["what the client wrote before", { "x-forwarded-for": "1.1.1.1, 203.0.113.7" }, { ip: "203.0.113.7", port: 0 }],
  ["trusted proxies behind", { "x-forwarded-for": "1.1.1.1, 203.0.113.7,10.0.0.9" }, { ip: "203.0.113.7", port: 0 }],
  ["trusted ones only", { "x-forwarded-for": "10.0.0.8, 10.0.0.9" }, { ip: "10.0.0.8", port: 0 }],
  ["no address", { "x-forwarded-for": "unknown" }, PEER],
  ["no address before a trusted one", { "x-forwarded-for": "unknown, 10.0.0.9" }, { ip: "10.0.0.9", port: 0 }],
  ["an address with its port", { "x-forwarded-for": "203.0.113.7:80" }, { ip: "203.0.113.7", port: 0 }],
  ["IPv6 in brackets", { "x-forwarded-for": "[2001:DB8::1]:80" }, { ip: "2001:db8::1", port: 0 }],
  ["IPv4 inside IPv6", { "x-forwarded-for": "::ffff:203.0.113.7" }, { ip: "203.0.113.7", port: 0 }],
  ["the real address", { "x-real-ip": "203.0.113.7", "x-real-port": "99" }, { ip: "203.0.113.7", port: 99 }],
  ["a bad port", { "x-real-ip": "203.0.113.7", "x-real-port": "x" }, { ip: "203.0.113.7", port: 0 }],
  ["a bad real address", { "x-real-ip": "203.0.113", "x-real-port": "99" }, PEER],
  ["both", { "x-forwarded-for": "203.0.113.7", "x-real-ip": "1.1.1.1" }, { ip: "203.0.113.7", port: 0 }],
])("a trusted proxy that tells %s", (_name, headers, remote) => {
  expect(forwardedRemote(PEER, headers, trusts)).toEqual(remote);
});

test("nobody else is believed", () => {
  const headers = { "x-forwarded-for": "1.1.1.1", "x-real-ip": "1.1.1.1" };
  const peer = { ip: "203.0.113.7", port: 1 };
  expect(forwardedRemote(peer, headers, trusts)).toEqual(peer);
});
