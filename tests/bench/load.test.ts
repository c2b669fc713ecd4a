/** The load generator against a real server: what it says of a short run, and what it does when it is told nonsense. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServerProcess, temporaryDirectory } from "../harness/server-process.ts";

const BENCH = join(import.meta.dirname, "../../packages/bench/src/main.ts");

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function bench(...words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=source", BENCH, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

const SCENARIO = `
title: pairs over WebSocket and a group
transport: ws
warmUpSeconds: 0.5
seconds: 2
traffic:
  - { name: pairs, channel: person, count: 4, window: 4 }
  - { name: group, channel: group, online: 20, members: 30, senders: 2, perSecond: 100 }
`;

describe("the load generator", () => {
  test("verifies every message of a short run and reports it", async () => {
    await using server = await ServerProcess.start();
    using folder = temporaryDirectory();
    const file = join(folder.path, "mixed.yaml");
    writeFileSync(file, SCENARIO);
    const target = `ws://127.0.0.1:${server.wsPort},http://127.0.0.1:${server.httpPort}`;
    const where = ["--target", target, "--pid", String(server.pid), "--data-dir", server.dataDirectory];
    const ended = await bench("-s", file, ...where, "--generators", "2", "--allow-saturated", "--out", folder.path);
    expect(ended, ended.output).toMatchObject({ code: 0 });
    const [result] = JSON.parse(readFileSync(join(folder.path, "result.json"), "utf8")).results;
    expect(result.faults).toEqual([]);
    const median = (name: string): number => result.figures[name]?.median;
    for (const name of ["missing", "duplicates", "disorder", "unanswered", "refused"])
      expect(median(name), name).toBe(0);
    expect(median("pairs.sendsPerSecond")).toBeGreaterThan(10);
    expect(median("group.sendsPerSecond")).toBeGreaterThan(50);
    expect(median("received")).toBeGreaterThan(median("messages"));
    for (const name of [
      "ackP99Ms",
      "deliveryP50Ms",
      "serverMicrosPerMessage",
      "serverRssMegabytes",
      "generatorCores",
    ]) {
      expect(median(name), name).toBeGreaterThan(0);
    }
    const plots = readFileSync(join(folder.path, "report.md"), "utf8").matchAll(/\]\((.+\.svg)\)/g);
    const files = Array.from(plots, ([, file]) => readFileSync(join(folder.path, file!), "utf8"));
    expect(files.length).toBeGreaterThan(0);
    for (const svg of files) expect(svg).toContain("</svg>");
  });

  test("ends with 1 and says why when a scenario or a target is wrong", async () => {
    const unknown = await bench("-s", "no-such-scenario");
    expect(unknown.code).toBe(1);
    expect(unknown.output).toContain("no such scenario");
    const elsewhere = await bench("-s", "pairs-x8", "--target", "tcp://192.0.2.1:5100");
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.output).toContain("loopback");
  });
});
