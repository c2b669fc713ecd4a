/** The real world as a whole: it neither keeps a process alive nor ends it. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createRealWorld } from "./real-world.ts";

const MODULE = fileURLToPath(new URL("./real-world.ts", import.meta.url));

describe("the real world", () => {
  test("a process with timers, an open engine and closed listeners ends by itself", async () => {
    const folder = await mkdtemp(join(tmpdir(), "world-"));
    const program = `
      import { createRealWorld } from ${JSON.stringify(MODULE)};
      const world = createRealWorld();
      world.timers.after(3_600_000, () => console.log("too late"));
      world.timers.after(1e12, () => console.log("too long a delay ran at once"));
      world.timers.soon(() => console.log("soon"));
      await world.openEngine(${JSON.stringify(join(folder, "data"))});
      const at = { host: "127.0.0.1", port: 0, messageBytesMax: 1000, handshakeTimeoutMs: 1000 };
      const listeners = [
        await world.network.listen({ ...at, transport: "tcp" }, () => undefined),
        await world.network.listen({ ...at, transport: "websocket" }, () => undefined),
        await world.http.serve(at, [], { bodyBytesMax: 1, headers: {} }),
      ];
      for (const listener of listeners) await listener.close();
      console.log("over");
    `;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
    expect((await run).stdout).toBe("soon\nover\n");
    await rm(folder, { recursive: true });
  });

  test("time goes forward, timers run and can be cancelled, soon comes in order", async () => {
    const { clock, timers } = createRealWorld();
    const startMs = clock.monotonicMs();
    expect(Math.abs(clock.wallMs() - Date.now())).toBeLessThan(60_000);
    const ran: string[] = [];
    await new Promise<void>((resolve) => {
      timers.after(1, () => ran.push("cancelled")).cancel();
      timers.soon(() => ran.push("first"));
      timers.soon(() => ran.push("second"));
      timers.after(2, resolve);
      // The timer alone would not keep this test's process waiting; the test runner does.
    });
    expect(ran).toEqual(["first", "second"]);
    expect(clock.monotonicMs()).toBeGreaterThan(startMs);
  });

  test("random numbers fill their range and differ", () => {
    const { random } = createRealWorld();
    const numbers = Array.from({ length: 5_000 }, () => random.uint32());
    expect(new Set(numbers).size).toBeGreaterThan(4_900);
    expect(Math.max(...numbers)).toBeGreaterThan(2 ** 32 * 0.95);
    expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32)).toBe(true);
    expect(random.bytes(33).length).toBe(33);
    expect(Buffer.compare(random.bytes(16), random.bytes(16))).not.toBe(0);
  });
});
