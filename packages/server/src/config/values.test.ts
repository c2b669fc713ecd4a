import { describe, expect, test } from "vitest";
import type { Field } from "./field.ts";
import { KNOWN_KEYS } from "./keys.ts";
import { isUnset, readValue } from "./values.ts";

const duration: Field = { kind: "duration", minMs: 1, default: "1s", zeroIsUnset: true, doc: "" };
const bytes: Field = { kind: "bytes", min: 100, max: 2 ** 40, default: "1MiB", doc: "" };
const count: Field = { kind: "integer", min: 1, max: 1000, default: "5", doc: "" };
const list: Field = { kind: "list", default: "", doc: "" };
const flag: Field = { kind: "boolean", default: "true", doc: "" };
const tcp: Field = { kind: "address", scheme: "tcp", default: "tcp://0.0.0.0:1", doc: "" };

describe("durations are Go's", () => {
  test.each([
    ["500ms", 500],
    ["60s", 60_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["1m0.5s", 60_500],
    ["500us", 1],
    ["2000µs", 2],
    ["576h", 2_073_600_000],
  ])("%s is %d ms", (text, ms) => {
    expect(readValue(duration, text)).toBe(ms);
  });

  test.each(["1d", "30", "5 m", "m", "-1s", "1h-5m", "1e3s", "..s", "60S", "577h", "1ns", "abc", "1s garbage"])(
    "%s is none",
    (text) => {
      expect(readValue(duration, text)).toBeUndefined();
    },
  );

  test("no duration that is allowed overflows a timer", () => {
    expect(readValue(duration, "576h")).toBeLessThan(2 ** 31);
  });
});

test.each([
  ["100", 100],
  ["64KiB", 65_536],
  ["4 MiB", 4_194_304],
  ["1gib", 1_073_741_824],
])("%s is %d bytes", (text, expected) => {
  expect(readValue(bytes, text)).toBe(expected);
});

test.each(["99", "1KB", "1.5MiB", "-1", "0x10", "1e9", "5000GiB"])("%s is no number of bytes in range", (text) => {
  expect(readValue(bytes, text)).toBeUndefined();
});

test.each(["0", "1001", "5.0", "five", "1e2", "+5", "-5", "9".repeat(400)])("%s is no count in range", (text) => {
  expect(readValue(count, text)).toBeUndefined();
});

test.each([
  ["https://api.example.com/webhook?key=1", "https://api.example.com/webhook?key=1"],
  [" http://10.0.0.1:8090 ", "http://10.0.0.1:8090"],
  ["api.example.com/webhook", undefined],
  ["localhost:8090/webhook", undefined],
  ["ftp://example.com", undefined],
  ["http://", undefined],
  ["{hook}", undefined],
])("%s as the address of an HTTP service is %s", (text, expected) => {
  expect(readValue({ kind: "url", default: "", doc: "" }, text)).toBe(expected);
});

test("lists are split at spaces, newlines and commas", () => {
  expect(readValue(list, "a b,c\n d,, e ")).toEqual(["a", "b", "c", "d", "e"]);
});

test("booleans take the usual words and no others", () => {
  expect(["true", "TRUE", "yes", "on", "1"].map((text) => readValue(flag, text))).toEqual(Array(5).fill(true));
  expect(["false", "No", "off", "0"].map((text) => readValue(flag, text))).toEqual(Array(4).fill(false));
  expect(["maybe", "2", "truee"].map((text) => readValue(flag, text))).toEqual(Array(3).fill(undefined));
});

test.each([
  ["tcp://127.0.0.1:5100", { host: "127.0.0.1", port: 5100 }],
  ["im.example.com:0", { host: "im.example.com", port: 0 }],
  [":5100", { host: "0.0.0.0", port: 5100 }],
  ["tcp://[::]:5100", { host: "::", port: 5100 }],
  ["off", null],
])("%s is an address", (text, expected) => {
  expect(readValue(tcp, text)).toEqual(expected);
});

test.each(["ws://127.0.0.1:5100", "127.0.0.1", "tcp://127.0.0.1:99999", "tcp://a:b:5", "tcp://h:5/path", "h:-1"])(
  "%s is no tcp address",
  (text) => {
    expect(readValue(tcp, text)).toBeUndefined();
  },
);

test("empty is unset everywhere, 0 only where WuKongIM has it so", () => {
  expect(isUnset(count, "")).toBe(true);
  expect(isUnset(count, "0")).toBe(false);
  expect(isUnset(duration, "0s")).toBe(true);
  expect(isUnset(duration, "0")).toBe(true);
});

test("every default can be read and is within its own bounds", () => {
  const unreadable = KNOWN_KEYS.filter(({ field }) => readValue(field, field.default) === undefined);
  expect(unreadable.map((key) => key.name)).toEqual([]);
});

test("every count limit can be set to 100", () => {
  const counts = KNOWN_KEYS.filter(({ name, field }) => name.startsWith("limits.") && field.kind === "integer");
  expect(counts.length).toBeGreaterThan(8);
  expect(counts.filter(({ field }) => readValue(field, "100") !== 100).map((key) => key.name)).toEqual([]);
});

describe("a number or auto", () => {
  const threads: Field = { kind: "integer-or-auto", min: 0, max: 64, default: "0", doc: "" };

  test.each([
    ["0", 0],
    [" 4 ", 4],
    ["64", 64],
    ["auto", "auto"],
    ["Auto", "auto"],
  ])("%s is %s", (text, value) => {
    expect(readValue(threads, text)).toBe(value);
  });

  test.each(["65", "-1", "1.5", "automatic", "many"])("%s is none", (text) => {
    expect(readValue(threads, text)).toBeUndefined();
  });

  test("0 is a number like any other", () => {
    expect(isUnset(threads, "0")).toBe(false);
  });
});
