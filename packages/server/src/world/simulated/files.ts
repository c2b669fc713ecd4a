/** Small files of the simulated disk. A crash during a replacement leaves the old or the new bytes. */
import type { Files } from "../world.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { EventLoop, Owner } from "./event-loop.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface FilesSurroundings {
  readonly loop: EventLoop;
  readonly owner: Owner;
  readonly random: SeededRandom;
  readonly disk: SimulatedDisk;
  readonly delayMs: number;
}

export function createSimulatedFiles(around: FilesSurroundings): Files {
  const { loop, owner, random, disk, delayMs } = around;
  return {
    read: (path) =>
      new Promise((resolve) => {
        loop.after(random.delayMs(delayMs), "file read", owner, () => resolve(disk.files.get(path)?.slice()));
      }),
    replace(path, bytes) {
      const copy = bytes.slice();
      return new Promise((resolve, reject) => {
        // Renamed at one moment, reported at a later one: a crash in between leaves the new bytes.
        loop.after(random.delayMs(delayMs), "file replaced", owner, () => {
          if (disk.isFull) {
            reject(new Error("no space left on device"));
            return;
          }
          disk.files.set(path, copy);
          loop.after(random.delayMs(delayMs), "file synced", owner, resolve);
        });
      });
    },
  };
}
