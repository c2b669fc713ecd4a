/** Files on the machine's disk. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFiles } from "./files.ts";

describe("files", () => {
  let folder: string;
  const files = createFiles();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "files-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("a file that is not there reads as undefined; other trouble rejects", async () => {
    expect(await files.read(join(folder, "none"))).toBeUndefined();
    await expect(files.read(folder)).rejects.toThrow("EISDIR");
  });

  test("a replaced file has the new bytes, its folder is made, and nothing lies beside it", async () => {
    const path = join(folder, "made", "for", "it", "node.json");
    await files.replace(path, new Uint8Array([1, 2, 3]));
    await files.replace(path, new Uint8Array([4]));
    expect(await files.read(path)).toEqual(new Uint8Array([4]));
    expect(await readdir(join(folder, "made", "for", "it"))).toEqual(["node.json"]);
  });

  test("a file for its owner is private from its first byte on, whatever was there before", async () => {
    const path = join(folder, "secret");
    await files.replace(path, new Uint8Array([1]));
    await writeFile(`${path}.new`, "left behind", { mode: 0o666 });
    await files.replace(path, new Uint8Array([2]), "owner");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await files.read(path)).toEqual(new Uint8Array([2]));
  });

  test("replacements at once come one after the other, and one that fails does not stop the next", async () => {
    const path = join(folder, "busy");
    const blocked = join(folder, "file");
    await writeFile(blocked, "");
    const all = [1, 2, 3, 4].map((byte) => files.replace(path, new Uint8Array(100_000).fill(byte)));
    await expect(files.replace(join(blocked, "below"), new Uint8Array(1))).rejects.toThrow();
    await files.replace(join(folder, "after"), new Uint8Array(1));
    await Promise.all(all);
    expect((await files.read(path))?.every((byte) => byte === 4)).toBe(true);
  });
});
