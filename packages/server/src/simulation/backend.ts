/** The back end: calls the HTTP API, and does not wait where a real one would not. */
import { expect } from "vitest";
import type { Simulation } from "../world/simulated/simulated-world.ts";

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

/** More than there are failing writes in a run. */
const TRIES_MAX = 50;

export class Backend {
  readonly #simulation: Simulation;
  readonly #port: number;
  readonly #calls = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(simulation: Simulation, port: number) {
    this.#simulation = simulation;
    this.#port = port;
  }

  get isQuiet(): boolean {
    return this.#calls.size === 0;
  }

  /** Calls overlap with everything else. `answered` gets undefined when the process died meanwhile. */
  post(path: string, body: unknown, answered: (answer: Answer | undefined) => void = () => undefined): void {
    this.start(async () => {
      const answer = await this.call(path, body);
      if (answer !== undefined) expect([200, 503], `${path} ${answer.text}`).toContain(answer.status);
      answered(answer?.status === 200 ? answer : undefined);
    });
  }

  /** Several calls in a row, beside everything else. */
  start(run: () => Promise<void>): void {
    const call = run()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }

  /** What went wrong in a call that nobody waited for. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async call(path: string, body: unknown): Promise<Answer | undefined> {
    return this.#ask({ method: "POST", url: path, body: JSON.stringify(body) });
  }

  /** Tried again while the store is away: each write that was told to fail may still be to come. */
  async must(path: string, body: unknown): Promise<Answer> {
    let answer = await this.#simulation.settle(this.call(path, body));
    for (let tries = 0; tries < TRIES_MAX && answer?.status === 503; tries++) {
      await this.#simulation.run(10_000);
      answer = await this.#simulation.settle(this.call(path, body));
    }
    if (answer?.status !== 200) throw new Error(`${path}: ${answer?.status} ${answer?.text}`);
    return answer;
  }

  async mustGet(url: string): Promise<unknown> {
    const answer = await this.#simulation.settle(this.#ask({ method: "GET", url }));
    if (answer?.status !== 200) throw new Error(`${url}: ${answer?.status} ${answer?.text}`);
    return answer.body;
  }

  async isReady(): Promise<boolean> {
    const answer = await this.#simulation.settle(this.#ask({ method: "GET", url: "/readyz" }));
    return answer?.status === 200;
  }

  async #ask(request: Parameters<Simulation["request"]>[1]): Promise<Answer | undefined> {
    const answer = await this.#simulation.request(this.#port, request);
    if (answer === undefined) return undefined;
    const text = typeof answer.body === "string" ? answer.body : new TextDecoder().decode(answer.body);
    const isJson = text.startsWith("{") || text.startsWith("[");
    return { status: answer.status, text, body: isJson ? JSON.parse(text) : undefined };
  }
}
