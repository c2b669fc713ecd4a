/** POSTs of JSON over kept connections. Cheap enough for load: the body is sent as given and the answer is read as bytes. */
import { Agent, request } from "node:http";
import type { HostPort } from "./target.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export class HttpCaller {
  readonly #agent: Agent;
  readonly #to: HostPort;

  constructor(to: HostPort, connections: number) {
    this.#to = to;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  }

  post(path: string, body: string | Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          agent: this.#agent,
          host: this.#to.host,
          port: this.#to.port,
          path,
          method: "POST",
          headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          response.on("error", reject);
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  }

  /** Must be answered with 200. */
  async postJson(path: string, body: unknown): Promise<unknown> {
    const answer = await this.post(path, JSON.stringify(body));
    const text = answer.body.toString();
    if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}: ${text.slice(0, 200)}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  close(): void {
    this.#agent.destroy();
  }
}
