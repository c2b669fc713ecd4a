/** A tmpfs of 16 MB to put a server's data on, and a file that takes what room there is. Needs root. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../harness/ports.ts";

/** Not the prefix of the harness's directories: a mounted one cannot be removed like those. */
const PREFIX = "wukong-disk-";
const PIECE = Buffer.alloc(64 * 1024, 0xff);

export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes all room that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

/** undefined where this process may not mount. */
export function mountSmallDisk(megabytes: number): SmallDisk | undefined {
  unmountLeftovers();
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  if (!run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path])) {
    rmdirSync(path);
    return undefined;
  }
  const filler = join(path, "filler");
  return {
    path,
    fill() {
      const file = openSync(filler, "a");
      try {
        // Smaller and smaller pieces, so that not one page is left.
        for (let bytes = PIECE.length; bytes >= 1; bytes >>= 1) while (couldWrite(file, PIECE.subarray(0, bytes)));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => unmount(path),
  };
}

function couldWrite(file: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch {
    return false;
  }
}

function unmount(path: string): void {
  run("umount", ["-l", path]);
  rmdirSync(path);
}

/** Of a test process that was killed. */
function unmountLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) unmount(join(tmpdir(), name));
  }
}

function run(command: string, words: readonly string[]): boolean {
  return spawnSync(command, words, { stdio: "ignore" }).status === 0;
}
