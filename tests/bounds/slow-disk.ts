/** Loaded into a server process before its program: every synced write takes 50 ms longer, as on a slow disk. */
import { createRequire } from "node:module";

const EXTRA_MS = 50;

interface Batch {
  _write(options: unknown): Promise<void>;
}
/** The database class of the server's own package; the part that makes the batches which the engine writes. */
interface LevelModule {
  readonly ClassicLevel: { readonly prototype: { _chainedBatch(): Batch } };
}
const requireOfServer = createRequire(new URL("../../packages/server/package.json", import.meta.url));
const level = (requireOfServer("classic-level") as LevelModule).ClassicLevel.prototype;
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
