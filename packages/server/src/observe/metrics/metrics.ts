/**
 * All metrics of the server, gathered when somebody asks. A part is registered with its families and with a function that
 * gives its numbers; that is all it takes to be in the answer.
 */
import { type Exposed, exposition } from "./exposition.ts";
import type { Family } from "./family.ts";

interface Part {
  expose(): Promise<readonly Exposed[]>;
}

export class Metrics {
  readonly #failed: (error: unknown) => void;
  readonly #parts: Part[] = [];
  readonly #names = new Set<string>();

  /** `failed`, for the log: a part could not give its numbers; it is missing in that answer. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** `stats` is asked once per scrape. Throws when a name is taken. */
  add<Stats>(families: readonly Family<Stats>[], stats: () => Stats | Promise<Stats>): void {
    for (const { name } of families) {
      if (this.#names.has(name)) throw new Error(`two metrics are named ${name}`);
      this.#names.add(name);
    }
    this.#parts.push({
      async expose() {
        const numbers = await stats();
        return families.map((family) => ({ family, value: family.read(numbers) }));
      },
    });
  }

  /** The text format of Prometheus, version 0.0.4. */
  async text(): Promise<string> {
    const exposed: Exposed[] = [];
    for (const part of this.#parts) {
      try {
        exposed.push(...(await part.expose()));
      } catch (error) {
        this.#failed(error);
      }
    }
    return exposition(exposed);
  }
}
