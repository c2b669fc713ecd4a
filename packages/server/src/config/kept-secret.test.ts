import { expect, test } from "vitest";
import type { FileReaders, Files, Random } from "../world/world.ts";
import { keptSecret } from "./kept-secret.ts";

class MemoryFiles implements Files {
  readonly contents = new Map<string, string>();
  readonly readers: FileReaders[] = [];
  failure: Error | undefined;

  async read(path: string): Promise<Uint8Array | undefined> {
    const text = this.contents.get(path);
    return text === undefined ? undefined : Buffer.from(text);
  }
  async replace(path: string, bytes: Uint8Array, readers: FileReaders = "default"): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.readers.push(readers);
    this.contents.set(path, Buffer.from(bytes).toString());
  }
}

/** Never the same bytes twice. */
function counting(): Random {
  let next = 0;
  return { bytes: (count) => new Uint8Array(count).fill(next++), uint32: () => next++ };
}

test("the first time it is made for its owner alone; from then on it stays", async () => {
  const files = new MemoryFiles();
  const random = counting();
  const first = await keptSecret("f", files, random);
  expect(first.text).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect(files.readers).toEqual(["owner"]);
  expect(await keptSecret("f", files, random)).toEqual(first);
  expect(files.readers).toHaveLength(1);
  expect((await keptSecret("g", files, random)).text).not.toBe(first.text);
});

test("what somebody wrote into the file holds, without the blanks around it; an empty file is none", async () => {
  const files = new MemoryFiles();
  files.contents.set("f", "  a word of mine \n");
  expect((await keptSecret("f", files, counting())).text).toBe("a word of mine");
  files.contents.set("f", " \n");
  const made = await keptSecret("f", files, counting());
  expect(files.contents.get("f")).toBe(`${made.text}\n`);
});

test("where it cannot be kept there is one all the same, and the reason", async () => {
  const files = new MemoryFiles();
  files.failure = new Error("ENOSPC");
  const secret = await keptSecret("f", files, counting());
  expect(secret.text).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect(secret.notKept).toBe(files.failure);
});
