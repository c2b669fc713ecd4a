/**
 * A secret that the server makes at its first start and keeps in a file of its own beside the database, which only the
 * user of the process may read. Whoever writes another one into the file has changed it from the next start on.
 */
import type { Files, Random } from "../world/world.ts";

const SECRET_BYTES = 24;

export interface KeptSecret {
  readonly text: string;
  /** The file could not be written: the secret is gone with the process, and nobody else knows it. */
  readonly notKept: unknown;
}

export async function keptSecret(path: string, files: Files, random: Random): Promise<KeptSecret> {
  const made = (): string => Buffer.from(random.bytes(SECRET_BYTES)).toString("base64url");
  try {
    const known = new TextDecoder().decode(await files.read(path)).trim();
    if (known !== "") return { text: known, notKept: undefined };
    const text = made();
    await files.replace(path, Buffer.from(`${text}\n`), "owner");
    return { text, notKept: undefined };
  } catch (error) {
    return { text: made(), notKept: error };
  }
}
