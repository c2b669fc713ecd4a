import { expect, test } from "vitest";
import { createLog, type LogLevel, logLevelOf } from "./log.ts";

function recorded(level: LogLevel): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ level, time: () => "then", write: (line) => lines.push(line) }), lines };
}

test("a line has level, time, text and details, and ends in one newline", () => {
  const { log, lines } = recorded("info");
  log.warn("disk is full", { freeBytes: 0, directory: "/data" });
  expect(lines).toEqual(['{"level":"warn","time":"then","freeBytes":0,"directory":"/data","msg":"disk is full"}\n']);
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
