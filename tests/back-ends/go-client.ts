/** HTTP calls as Go's own client sends them for a back end: its headers, no Content-Type unless the program sets one. */
import { type Json, stringifyJson } from "../harness/exact-json.ts";
import type { HttpAnswer, HttpClient } from "../harness/http-client.ts";
import { type Decoded, decodeGo, type GoType } from "./go-json.ts";

const HEADERS = { "user-agent": "Go-http-client/1.1", "accept-encoding": "gzip" } as const;

/** Any answer but 200: `message` is the server's `msg`, where there is one. */
class CallFailed extends Error {
  readonly status: number;
  constructor(answer: HttpAnswer) {
    super(decodeGo(answer.status === 400 ? answer.body : null, { msg: "string" }).msg || `status ${answer.status}`);
    this.status = answer.status;
  }
}

export class GoClient {
  readonly #http: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(http: HttpClient, headers: Readonly<Record<string, string>> = {}) {
    this.#http = http;
    this.#headers = { ...HEADERS, ...headers };
  }

  async get<const Type extends GoType>(path: string, type: Type): Promise<Decoded<Type>> {
    return answered(await this.#http.call({ method: "GET", path, headers: this.#headers }), type);
  }

  async post<const Type extends GoType>(path: string, body: unknown, type: Type): Promise<Decoded<Type>> {
    const request = { method: "POST", path, headers: this.#headers, body: stringifyJson(body) };
    return answered(await this.#http.call(request), type);
  }

  /** Only the status matters to the caller; gives the body as it came, for the test. */
  async done(path: string, body: unknown): Promise<Json | undefined> {
    const request = { method: "POST", path, headers: this.#headers, body: stringifyJson(body) };
    const answer = await this.#http.call(request);
    if (answer.status !== 200) throw new CallFailed(answer);
    return answer.body;
  }
}

function answered<const Type extends GoType>(answer: HttpAnswer, type: Type): Decoded<Type> {
  if (answer.status !== 200) throw new CallFailed(answer);
  if (answer.headers["content-type"] !== "application/json; charset=utf-8")
    throw new Error(`a content type that Go does not expect: ${answer.headers["content-type"]}`);
  return decodeGo(answer.body, type);
}
