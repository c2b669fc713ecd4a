/** Loaded into a server process before its program: every synced write takes 50 ms longer, as on a slow disk. */
import { ClassicLevel } from "classic-level";

const EXTRA_MS = 50;

interface Batch {
  _write(options: unknown): Promise<void>;
}
/** The part of the database class that makes the batches which the engine writes. */
const level = ClassicLevel.prototype as unknown as { _chainedBatch(): Batch };
const original: (this: unknown) => Batch = Reflect.get(level, "_chainedBatch");
level._chainedBatch = function (): Batch {
  const batch = original.call(this);
  const write = batch._write.bind(batch);
  batch._write = async (options) => {
    await new Promise((resolve) => setTimeout(resolve, EXTRA_MS));
    return write(options);
  };
  return batch;
};
