/**
 * Ports for servers under test. They lie below the range the system gives to outgoing connections, so that a server
 * finds its port again after a restart, and are claimed with a lock file, so that parallel test processes never collide.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FIRST = 20_000;
const COUNT = 12_000;
const LOCKS = join(tmpdir(), "wukong-test-ports");
const mine = new Set<number>();

export async function claimPorts(count: number): Promise<number[]> {
  mkdirSync(LOCKS, { recursive: true });
  const ports: number[] = [];
  let port = FIRST + Math.floor(Math.random() * COUNT);
  for (let tried = 0; ports.length < count; tried++) {
    if (tried > COUNT) throw new Error("no free port");
    port = port + 1 < FIRST + COUNT ? port + 1 : FIRST;
    if (!lock(port)) continue;
    if (await isFree(port)) ports.push(port);
    else releasePort(port);
  }
  return ports;
}

export function releasePort(port: number): void {
  if (mine.delete(port)) rmSync(join(LOCKS, String(port)), { force: true });
}

function lock(port: number): boolean {
  const path = join(LOCKS, String(port));
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, "wx");
      writeSync(file, String(process.pid));
      closeSync(file);
      mine.add(port);
      return true;
    } catch {
      if (ownerLives(path)) return false;
      rmSync(path, { force: true });
    }
  }
  return false;
}

function ownerLives(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    return owner > 0 && isAlive(owner);
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
