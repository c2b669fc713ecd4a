/** What the system knows of the server's process and files. Linux only: elsewhere there are no such figures. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The kernel's clock of CPU times, in ticks a second; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const DISK_BLOCK_BYTES = 512;

/** User and system time of all threads of the process, in seconds. */
export function cpuSeconds(pid: number): number | undefined {
  return cpuSecondsOf(`/proc/${pid}/stat`);
}

/** The same of its first thread, in Node the one of the event loop. */
export function mainThreadCpuSeconds(pid: number): number | undefined {
  return cpuSecondsOf(`/proc/${pid}/task/${pid}/stat`);
}

function cpuSecondsOf(file: string): number | undefined {
  try {
    const stat = readFileSync(file, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** Resident memory, in bytes; files that are mapped count, which the kernel takes back when it needs the room. */
export function residentBytes(pid: number): number | undefined {
  return statusBytes(pid, /^VmRSS:\s+(\d+) kB/m);
}

/** Of it what belongs to the process alone, in bytes. */
export function privateBytes(pid: number): number | undefined {
  return statusBytes(pid, /^RssAnon:\s+(\d+) kB/m);
}

function statusBytes(pid: number, line: RegExp): number | undefined {
  try {
    const kilobytes = line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}

/** What the folder's files take on the disk, in bytes. */
export function diskBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += statSync(join(entry.parentPath, entry.name)).blocks * DISK_BLOCK_BYTES;
    } catch {
      // It is gone: stores remove files.
    }
  }
  return bytes;
}
