/**
 * Certificates that are renewed while the server runs. The files are read again every second; what has changed is taken
 * once it is the same at two looks in a row, because a certificate and its key are never replaced in one instant.
 * A new pair that cannot be used is logged once, and the old one stays.
 */
import { BadCertificate, type Files, type Timer, type Timers, type TlsCertificate } from "../world/world.ts";

interface CertificateWatchDeps {
  readonly files: Pick<Files, "read">;
  readonly timers: Pick<Timers, "after">;
  readonly certFile: string;
  readonly keyFile: string;
  /** Gives the pair to the listeners; throws or rejects with `BadCertificate`. */
  readonly replace: (certificate: TlsCertificate) => void | Promise<void>;
  readonly log: { replaced(source: string): void; refused(because: string): void };
}

const LOOK_MS = 1_000;

/** Rejects with `BadCertificate` when a file cannot be read. */
export async function readCertificate(
  files: Pick<Files, "read">,
  certFile: string,
  keyFile: string,
): Promise<TlsCertificate> {
  const [certificate, key] = await Promise.all([readPart(files, certFile), readPart(files, keyFile)]);
  return { certificate, key, source: certFile === keyFile ? certFile : `${certFile} and ${keyFile}` };
}

async function readPart(files: Pick<Files, "read">, path: string): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await files.read(path);
  } catch (error) {
    throw new BadCertificate(`${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (bytes === undefined) throw new BadCertificate(`${path}: no such file`);
  return bytes;
}

export class CertificateWatch {
  readonly #deps: CertificateWatchDeps;
  /** What the listeners have, or have refused. */
  #settled: TlsCertificate | string;
  /** What the last look saw: a pair, or why there was none. */
  #seen: TlsCertificate | string;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(deps: CertificateWatchDeps, current: TlsCertificate) {
    this.#deps = deps;
    this.#settled = current;
    this.#seen = current;
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#deps.timers.after(LOOK_MS, () => {
      void this.#look().then(() => {
        if (!this.#isStopped) this.#arm();
      });
    });
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { files, certFile, keyFile, replace, log } = this.#deps;
    const found = await readCertificate(files, certFile, keyFile).catch(textOf);
    const isStable = isSame(found, this.#seen);
    this.#seen = found;
    if (this.#isStopped || !isStable || isSame(found, this.#settled)) return;
    this.#settled = found;
    try {
      if (typeof found === "string") throw new BadCertificate(found);
      await replace(found);
      log.replaced(found.source);
    } catch (error) {
      log.refused(textOf(error));
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isSame(one: TlsCertificate | string, other: TlsCertificate | string): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return hasSameBytes(one.certificate, other.certificate) && hasSameBytes(one.key, other.key);
}

function hasSameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
