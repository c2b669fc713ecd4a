/**
 * A reader who types what a page says, block by block, in a checkout. Ports and host names that the page takes for
 * granted are replaced by those of the test; everything else is typed as it stands.
 */
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program } from "../harness/program.ts";
import { temporaryDirectory } from "../harness/server-process.ts";
import { type ShellBlock, shellBlocks } from "./shell-blocks.ts";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));
/** What a checkout does not have before its first use, or what a command may not touch. */
const LEFT_OUT: ReadonlySet<string> = new Set([".git", "wukongimdata"]);
const COMMAND_MS_MAX = 60_000;

export interface ReaderOptions {
  /** Its path in the repository. */
  readonly page: string;
  /** Text of the page → what is typed for it: `5001` → `20314`. */
  readonly typed: Readonly<Record<string, string | number>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** After a block that keeps running: until what it starts is there. */
  readonly started: (block: ShellBlock) => Promise<void>;
}

export interface Outcome {
  readonly block: ShellBlock;
  readonly output: string;
}

export class Reader implements AsyncDisposable {
  readonly #options: ReaderOptions;
  readonly #checkout = temporaryDirectory();
  readonly #running: Program[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
    for (const name of readdirSync(CHECKOUT)) {
      if (!LEFT_OUT.has(name)) symlinkSync(join(CHECKOUT, name), join(this.directory, name));
    }
  }

  /** The checkout, made of links: what commands write into it stays out of the real one. */
  get directory(): string {
    return this.#checkout.path;
  }

  /** Types everything. Fails at the first command that fails. */
  async follow(): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const block of shellBlocks(readFileSync(join(CHECKOUT, this.#options.page), "utf8"))) {
      outcomes.push({ block, output: await this.#type(block) });
    }
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#running.toReversed()) await program[Symbol.asyncDispose]();
    this.#checkout[Symbol.dispose]();
  }

  async #type(block: ShellBlock): Promise<string> {
    const program = new Program(["bash", "-euo", "pipefail", "-c", this.#typed(block.commands)], {
      directory: this.directory,
      environment: this.#options.environment ?? {},
    });
    const place = `${this.#options.page}:${block.line}`;
    if (block.keepsRunning) {
      this.#running.push(program);
      const failed = program.ended.then(() => Promise.reject(new Error(`${place} ended\n${program.output}`)));
      // It ends with the reader, when nobody waits for it any more.
      failed.catch(() => undefined);
      await Promise.race([this.#options.started(block), failed]);
      return program.output;
    }
    const late = setTimeout(() => program.signal("SIGKILL"), COMMAND_MS_MAX);
    const { code } = await program.ended;
    clearTimeout(late);
    if (code !== 0) throw new Error(`${place} failed with ${code}:\n${block.commands}\n${program.output}`);
    return program.output;
  }

  #typed(commands: string): string {
    return Object.entries(this.#options.typed).reduce(
      (text, [written, typed]) => text.replaceAll(wordsOf(written), String(typed)),
      commands,
    );
  }
}

/** Not as a part of a longer word or number. */
function wordsOf(text: string): RegExp {
  return new RegExp(`(?<!\\w)${text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?!\\w)`, "g");
}
