/** The generator processes, seen from the coordinator. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AnswerMessage, GeneratorCalls } from "./generator-calls.ts";

const ENDING = import.meta.url.endsWith(".ts") ? "ts" : "js";
const PROGRAM = fileURLToPath(new URL(`./generator-process.${ENDING}`, import.meta.url));

type Method = keyof GeneratorCalls;
type Argument<Name extends Method> = Parameters<GeneratorCalls[Name]>[0];
type Answer<Name extends Method> = Awaited<ReturnType<GeneratorCalls[Name]>>;

export class Generator {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  constructor() {
    this.#child = fork(PROGRAM, { serialization: "advanced" });
    this.#child.on("message", (message) => this.#answered(message as AnswerMessage));
    this.#child.on("exit", (code, signal) => {
      const error = new Error(`a generator process ended (${signal ?? code})`);
      for (const waiting of this.#waiting.values()) waiting.reject(error);
      this.#waiting.clear();
    });
  }

  call<Name extends Method>(method: Name, argument?: Argument<Name>): Promise<Answer<Name>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Answer<Name>), reject });
      this.#child.send({ id, method, argument });
    });
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  #answered({ id, value, error }: AnswerMessage): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}

export class GeneratorPool implements Disposable {
  readonly generators: readonly Generator[];

  constructor(count: number) {
    this.generators = Array.from({ length: count }, () => new Generator());
  }

  /** The same call to all, or one that depends on the generator's number. */
  callAll<Name extends Method>(method: Name, argument?: (index: number) => Argument<Name>): Promise<Answer<Name>[]> {
    return Promise.all(this.generators.map((generator, index) => generator.call(method, argument?.(index))));
  }

  [Symbol.dispose](): void {
    for (const generator of this.generators) generator.end();
  }
}
