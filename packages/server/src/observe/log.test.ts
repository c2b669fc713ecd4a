import { expect, test } from "vitest";
import { createLog, type LogLevel, logLevelOf } from "./log.ts";

function recorded(level: LogLevel): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ level, time: () => "then", write: (line) => lines.push(line) }), lines };
}

test("a line has level, time, event, text and details, and ends in one newline", () => {
  const { log, lines } = recorded("info");
  log.warn("disk is full", { freeBytes: 0, directory: "/data" });
  expect(lines).toEqual([
    '{"level":"warn","time":"then","event":"disk_is_full","freeBytes":0,"directory":"/data","msg":"disk is full"}\n',
  ]);
  log.warn("disk is full", { event: "disk.full" });
  expect(lines[1]).toContain('"event":"disk.full"');
});

test("lines below the level are not written", () => {
  const { log, lines } = recorded("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  expect(lines).toHaveLength(2);
});

test("an error comes with its stack and its cause, anything else thrown as it is", () => {
  const { log, lines } = recorded("info");
  log.error("failed", { error: new Error("outer", { cause: new TypeError("inner") }) });
  log.error("failed", { error: "just text" });
  const parsed: unknown = JSON.parse(lines[0] ?? "");
  expect(parsed).toMatchObject({ error: { message: "outer", cause: { message: "inner" } } });
  expect(lines[0]).toContain("log.test.ts");
  expect(lines[1]).toContain('"error":"just text"');
});

test("no text of an outsider makes a second line or an exception", () => {
  const { log, lines } = recorded("info");
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const hostile = {
    toJSON(): never {
      throw new Error("no");
    },
  };
  log.info("a\nb\u2028{}", { uid: "x\r\n\u0000\ud800", cyclic, big: 2n ** 63n });
  log.info("hostile", { hostile });
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(() => JSON.parse(lines[0] ?? "")).not.toThrow();
});

test("logger.level decides, and mode where it is 0", () => {
  const level = (mode: string, number: number): LogLevel => logLevelOf({ mode, logger: { level: number } });
  expect([1, 2, 3, 4].map((number) => level("debug", number))).toEqual(["debug", "info", "warn", "error"]);
  expect(["debug", "release", "bench"].map((mode) => level(mode, 0))).toEqual(["debug", "info", "info"]);
});

test("what is named like a secret, and bytes, are never written, however deep", () => {
  const { log, lines } = recorded("debug");
  const secret = "s3cr3t";
  const error = Object.assign(new Error("outer", { cause: Object.assign(new Error("inner"), { token: secret }) }), {
    request: { headers: { authorization: `Bearer ${secret}`, cookie: secret, host: "h" }, payload: secret },
  });
  log.debug("deep", {
    token: secret,
    managerToken: secret,
    webhook: { secret },
    jwt: secret,
    list: [{ password: secret }],
    body: Buffer.from(secret),
    error,
    uid: "u",
  });
  const [line = ""] = lines;
  expect(line).not.toContain(secret);
  expect(line).not.toContain(JSON.stringify(Buffer.from(secret).toJSON().data));
  expect(JSON.parse(line)).toMatchObject({
    token: "[redacted]",
    body: "[6 bytes]",
    uid: "u",
    error: { message: "outer", request: { headers: { host: "h" } }, cause: { message: "inner", token: "[redacted]" } },
  });
});

test("a flood of one warning is its first line and one with a count; other errors and levels are lines of their own", () => {
  const lines: string[] = [];
  const later: (() => void)[] = [];
  const log = createLog({
    level: "debug",
    time: () => "then",
    write: (line) => lines.push(line),
    after: (_, run) => later.push(run),
  });
  for (let index = 0; index < 1_000; index++) log.warn("a connection was cut", { index });
  expect(lines).toHaveLength(1);
  log.error("an internal error", { error: new Error("one") });
  log.error("an internal error", { error: new Error("two") });
  log.debug("seen");
  log.debug("seen");
  expect(lines).toHaveLength(5);
  for (const run of later.splice(0)) run();
  expect(lines).toHaveLength(6);
  expect(JSON.parse(lines[5] ?? "")).toMatchObject({ event: "a_connection_was_cut", index: 999, repeated: 999 });
  log.warn("a connection was cut", { index: "again" });
  expect(lines).toHaveLength(7);
  for (const run of later.splice(0)) run();
  expect(lines, "nothing was repeated").toHaveLength(7);
});

test("more different lines than are watched are written as they come", () => {
  const lines: string[] = [];
  const log = createLog({ level: "warn", time: () => "", write: (line) => lines.push(line), after: () => undefined });
  for (let round = 0; round < 2; round++)
    for (let index = 0; index < 1_100; index++) log.warn("x", { event: `e${index}` });
  expect(lines).toHaveLength(1_100 + 100);
});
