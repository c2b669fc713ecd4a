/**
 * A file that log lines are added to. Written at once, so a crash loses no line; a line that cannot be written is
 * dropped, because a full disk must not stop the server.
 */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export interface LogFile {
  write(line: string): void;
  /** After a rotation moved the file away. Keeps the old one when the new one cannot be opened. */
  reopen(): void;
}

/** Throws when the file cannot be opened. */
export function openLogFile(path: string): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  let descriptor = openSync(path, "a");
  return {
    write(line) {
      try {
        writeSync(descriptor, line);
      } catch {
        // Nowhere left to say so.
      }
    },
    reopen() {
      try {
        const next = openSync(path, "a");
        closeSync(descriptor);
        descriptor = next;
      } catch {
        // Goes on in the old file.
      }
    },
  };
}
