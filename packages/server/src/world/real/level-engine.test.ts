/** The disk engine against the engine suite, and what only a real disk can show. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Batch, createBatch } from "../../store/batch.ts";
import type { Engine } from "../../store/engine.ts";
import { type EngineHost, engineSuite, type FailingHost } from "../../store/engine-suite.ts";
import { openLevelEngine } from "./level-engine.ts";

const OPTIONS = { writeBufferBytes: 1024 * 1024, blockCacheBytes: 1024 * 1024, compression: false };
const TMPFS_BYTES = 12 * 1024 * 1024;
const IS_ROOT = process.getuid?.() === 0;
const CAN_MOUNT = IS_ROOT && process.platform === "linux" && mountWorks();

engineSuite("on a disk (LevelDB)", {
  createHost: async () => hostIn(await temporaryFolder()),
  createFailingHost: CAN_MOUNT ? createTmpfsHost : "a file system that fills up needs root and mount",
});

describe("opening a data directory", () => {
  test("that is a file or lies below one is refused as unreadable", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "file");
    await writeFile(file, "x");
    await expect(openLevelEngine(file, OPTIONS)).rejects.toMatchObject({ code: "unreadable" });
    await expect(openLevelEngine(join(file, "below"), OPTIONS)).rejects.toMatchObject({ code: "unreadable" });
    await rm(folder, { recursive: true });
  });

  test.skipIf(IS_ROOT && !CAN_MOUNT)("that may not be written to is refused as unreadable", async () => {
    const folder = await temporaryFolder();
    // Permissions mean nothing to root; a read-only file system does.
    if (IS_ROOT) mountTmpfs(folder, "ro");
    else await chmod(folder, 0o500);
    try {
      await expect(openLevelEngine(join(folder, "data"), OPTIONS)).rejects.toMatchObject({ code: "unreadable" });
    } finally {
      if (IS_ROOT) execFileSync("umount", [folder]);
      await rm(folder, { recursive: true });
    }
  });

  test("whose manifest is gone or overwritten is refused as corrupt, and the message names the directory", async () => {
    for (const damage of ["gone", "overwritten"] as const) {
      const folder = await temporaryFolder();
      await (await openLevelEngine(folder, OPTIONS)).close();
      const manifest = (await readdir(folder)).find((name) => name.startsWith("MANIFEST")) ?? "";
      if (damage === "gone") await rm(join(folder, manifest));
      else await writeFile(join(folder, manifest), Buffer.alloc(5_000, 7));
      const refused = openLevelEngine(folder, OPTIONS);
      await expect(refused).rejects.toMatchObject({ code: "corrupt" });
      await expect(refused).rejects.toThrow(folder);
      await rm(folder, { recursive: true });
    }
  });
});

describe("compression", () => {
  test("makes table files smaller, and what is written with it or without is read with the other", async () => {
    const key = Buffer.from("key");
    const value = Buffer.alloc(3 * OPTIONS.writeBufferBytes, "the same again and again ");
    const sizes: number[] = [];
    for (const compression of [false, true]) {
      const folder = await temporaryFolder();
      const written = await openLevelEngine(folder, { ...OPTIONS, compression });
      await written.write([batchOf(key, value), batchOf(Buffer.from("next"), value)]);
      await written.close();
      // What is still in the log becomes a table file when it is opened.
      const read = await openLevelEngine(folder, { ...OPTIONS, compression });
      await read.close();
      sizes.push(await tableBytes(folder));
      const other = await openLevelEngine(folder, { ...OPTIONS, compression: !compression });
      expect(other.get(key)).toEqual(value);
      await other.close();
      await rm(folder, { recursive: true });
    }
    const [plain, compressed] = sizes;
    expect(plain).toBeGreaterThan(2 * value.length);
    expect(compressed).toBeLessThan(plain! / 4);
  });
});

function batchOf(key: Uint8Array, value: Uint8Array): Batch {
  return { ...createBatch(0), keys: [key], values: [value] };
}

async function tableBytes(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ldb"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "engine-"));
}

function hostIn(folder: string): EngineHost {
  const opened: Engine[] = [];
  return {
    async open() {
      const engine = await openLevelEngine(join(folder, "data"), OPTIONS);
      opened.push(engine);
      return engine;
    },
    settled: (promise) => promise,
    async dispose() {
      for (const engine of opened) await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function mountWorks(): boolean {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function mountTmpfs(folder: string, options: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
}

async function createTmpfsHost(): Promise<FailingHost> {
  const folder = await temporaryFolder();
  const disk = join(folder, "disk");
  const ballast = join(disk, "ballast");
  await mkdir(disk);
  mountTmpfs(disk, `size=${TMPFS_BYTES}`);
  const host = hostIn(disk);
  return {
    ...host,
    // The last write is cut where the disk ends, and fails.
    breakDisk: () => writeFile(ballast, Buffer.alloc(TMPFS_BYTES)).catch(() => undefined),
    repairDisk: () => rm(ballast),
    async dispose() {
      await host.dispose().catch(() => undefined);
      execFileSync("umount", [disk]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
