import { expect, test } from "vitest";
import { addressOf, parseTarget } from "./target.ts";

test("a target names its addresses in any order", () => {
  const target = parseTarget("http://127.0.0.1:5001, tcp://localhost:5100,ws://[::1]:5200");
  expect(target).toEqual({
    http: { host: "127.0.0.1", port: 5001 },
    tcp: { host: "localhost", port: 5100 },
    ws: { host: "::1", port: 5200 },
  });
  expect(() => addressOf(target, "wss")).toThrow("no wss://");
});

test.each(["tcp://example.com:5100", "tcp://10.0.0.1:5100", "ftp://127.0.0.1:1", "127.0.0.1:5100"])(
  "%s is refused",
  (text) => {
    expect(() => parseTarget(text)).toThrow();
  },
);
