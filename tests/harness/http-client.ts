/**
 * The HTTP API as a back end calls it: exact 64-bit numbers both ways, raw bodies, the status and headers as they came.
 * An answer of any status is an answer; only a broken connection is an error.
 */
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Json, stringifyJson, tryParseJson } from "./exact-json.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** undefined when the text is empty or not JSON. */
  readonly body: Json | undefined;
}
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly timeoutMs?: number;
}

const OVERLOADED_MS_MAX = 10_000;
const OVERLOADED_PAUSE_MS = 10;

export class HttpClient {
  readonly #port: number;
  readonly #headers: Readonly<Record<string, string>>;
  #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(port: number, headers: Readonly<Record<string, string>> = {}) {
    this.#port = port;
    this.#headers = headers;
  }

  get(path: string, timeoutMs?: number): Promise<HttpAnswer> {
    return this.call({ method: "GET", path, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  }

  post(path: string, body: unknown, timeoutMs?: number): Promise<HttpAnswer> {
    const headers = { "content-type": "application/json" };
    return this.call({
      method: "POST",
      path,
      headers,
      body: stringifyJson(body),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  /**
   * POST that must answer 200; gives the body, seen as the caller says it looks. As a back end does, it tries again while
   * the server answers 503: too much is waiting, nothing was done.
   */
  async ask<Body = Json>(path: string, body: unknown): Promise<Body> {
    const end = Date.now() + OVERLOADED_MS_MAX;
    for (;;) {
      const answer = await this.post(path, body);
      if (answer.status === 200) return answer.body as Body;
      const isOver = answer.status !== 503 || Date.now() > end;
      if (isOver) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text.slice(0, 500)}`);
      await delay(OVERLOADED_PAUSE_MS);
    }
  }

  call(wanted: HttpRequest): Promise<HttpAnswer> {
    const headers: Record<string, string | number> = { ...this.#headers, ...wanted.headers };
    const body = wanted.body === undefined ? undefined : Buffer.from(wanted.body);
    if (body !== undefined) headers["content-length"] = body.length;
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: "127.0.0.1", port: this.#port, method: wanted.method, path: wanted.path, headers, agent: this.#agent },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (part: Buffer) => parts.push(part));
          answer.on("error", reject);
          answer.on("end", () => {
            const text = Buffer.concat(parts).toString("utf8");
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              text,
              body: text === "" ? undefined : tryParseJson(text),
            });
          });
        },
      );
      const timeoutMs = wanted.timeoutMs ?? 30_000;
      sent.setTimeout(timeoutMs, () => {
        sent.destroy(new Error(`${wanted.method} ${wanted.path}: no answer within ${timeoutMs} ms`));
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Kept connections do not outlive their server. */
  dropConnections(): void {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 64 });
  }
}
