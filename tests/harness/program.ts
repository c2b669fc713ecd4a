/** A program beside the server under test, with all that it starts. It never outlives the test process. */
import { type ChildProcess, spawn } from "node:child_process";
import { type Exit, environmentForServer } from "./server-process.ts";
import { eventually } from "./waiting.ts";

export interface ProgramOptions {
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const running = new Set<Program>();
const guard = { isInstalled: false };

export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Exit>;
  #exited: Exit | undefined;
  #output = "";

  constructor(words: readonly string[], options: ProgramOptions) {
    installGuard();
    this.#child = spawn(words[0]!, words.slice(1), {
      cwd: options.directory,
      // A group of its own, so that what it starts ends with it.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environmentForServer(), ...options.environment },
    });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        this.#output += text;
      });
    }
    this.#ended = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        this.#exited = exit;
        running.delete(this);
        resolve(exit);
      };
      this.#child.once("error", (error) => {
        this.#output += `\n${error.message}\n`;
        ended({ code: -1, signal: null });
      });
      this.#child.once("close", (code, signal) => ended({ code, signal }));
    });
  }

  /** Standard output and error, as they came. */
  get output(): string {
    return this.#output;
  }
  get ended(): Promise<Exit> {
    return this.#ended;
  }

  /** Until it has printed this; fails when it ends before. */
  async printed(text: string, withinMs = 30_000): Promise<void> {
    await eventually(
      () => this.#output.includes(text) || this.#exited !== undefined,
      `the program prints "${text}"\n${this.#output}`,
      withinMs,
    );
    if (!this.#output.includes(text)) throw new Error(`the program ended and never printed "${text}"\n${this.#output}`);
  }

  /** To the program and all that it has started. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#exited !== undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has just ended.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGTERM");
    const late = setTimeout(() => this.signal("SIGKILL"), 10_000);
    await this.#ended;
    clearTimeout(late);
  }
}

function installGuard(): void {
  if (guard.isInstalled) return;
  guard.isInstalled = true;
  process.once("exit", () => {
    for (const program of running) program.signal("SIGKILL");
  });
}
