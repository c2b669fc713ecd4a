/** A back end that answers the questions of the server: it knows what the test tells it, and fails as the test says. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Question {
  readonly cmd: string;
  readonly data: { readonly channel_id?: string; readonly channel_type?: number };
}

export class DatasourceServer implements AsyncDisposable {
  readonly asked: Question[] = [];
  /** What it knows, by "cmd type id" (or "getSystemUIDs"); null for what is not there. */
  readonly knows = new Map<string, unknown>();
  /** "hangs": never answered. A number: that status. */
  mode: "answers" | "hangs" | number = "answers";
  /** Questions about this channel are answered with 500. */
  failsFor: string | undefined;
  readonly #hanging = new Set<ServerResponse>();
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<DatasourceServer> {
    const source = new DatasourceServer();
    await source.open();
    return source;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/datasource`;
  }

  /** On the same port as before. */
  async open(): Promise<void> {
    const server = createServer((request, answer) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        // What the server asks is ours to check: anything else fails the test by an unknown question.
        const question = JSON.parse(Buffer.concat(parts).toString()) as Question;
        this.asked.push(question);
        this.#answer(question, answer);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Nobody listens any more: connections are refused. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const answer of this.#hanging) answer.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** The questions of one command. */
  askedFor(cmd: string): readonly Question[] {
    return this.asked.filter((question) => question.cmd === cmd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #answer({ cmd, data }: Question, answer: ServerResponse): void {
    if (this.mode === "hangs") {
      this.#hanging.add(answer);
      return;
    }
    const name = data.channel_id === undefined ? cmd : `${cmd} ${data.channel_type} ${data.channel_id}`;
    const fails = this.failsFor !== undefined && data.channel_id === this.failsFor;
    const status = fails ? 500 : this.mode === "answers" ? 200 : this.mode;
    answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(this.knows.get(name) ?? null));
  }
}
