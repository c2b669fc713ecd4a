/** Small files that are replaced as a whole: write beside, sync, rename, sync the folder. */
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileReaders, Files } from "../world.ts";

const OWNER_ONLY = 0o600;

export function createFiles(): Files {
  // One replacement at a time, so that two of one path never share the file beside it.
  let last: Promise<unknown> = Promise.resolve();
  return {
    async read(path) {
      try {
        return new Uint8Array(await readFile(path));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    replace(path, bytes, readers = "default") {
      const done = last.then(() => replaceFile(path, bytes, readers));
      last = done.catch(() => undefined);
      return done;
    },
  };
}

async function replaceFile(path: string, bytes: Uint8Array, readers: FileReaders): Promise<void> {
  const folder = dirname(path);
  const beside = `${path}.new`;
  await mkdir(folder, { recursive: true });
  try {
    const file = await open(beside, "w");
    try {
      // Before there is anything to read; a file that was left behind may have any mode.
      if (readers === "owner") await file.chmod(OWNER_ONLY);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    // On a full disk half a file would keep what little room there is.
    await rm(beside, { force: true });
    throw error;
  }
  const folderHandle = await open(folder, "r");
  try {
    await folderHandle.sync();
  } finally {
    await folderHandle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
