/** An operator at the manager port of a server: logged in, he asks for pages. */
import { expect } from "vitest";
import type { HttpAnswer } from "../harness/http-client.ts";
import type { ServerProcess } from "../harness/server-process.ts";

export interface Page<Row = Record<string, unknown>> {
  readonly total: number;
  readonly more: number;
  readonly cursor?: string;
  readonly pre_cursor?: string;
  readonly offset_message_id?: string;
  readonly data: readonly Row[];
}

export class Operator {
  readonly #server: ServerProcess;
  readonly #token: string;

  private constructor(server: ServerProcess, token: string) {
    this.#server = server;
    this.#token = token;
  }

  static async login(server: ServerProcess, username: string, password: string): Promise<Operator> {
    const answer = await server.manager.post("/manager/login", { username, password });
    expect(answer.status, answer.text).toBe(200);
    return new Operator(server, (answer.body as { readonly token: string }).token);
  }

  get(path: string): Promise<HttpAnswer> {
    return this.#call("GET", path);
  }

  post(path: string, body: unknown): Promise<HttpAnswer> {
    return this.#call("POST", path, JSON.stringify(body));
  }

  /** A GET that must answer 200. */
  async ask<Body = Page>(path: string): Promise<Body> {
    const answer = await this.get(path);
    expect(answer.status, answer.text).toBe(200);
    return answer.body as Body;
  }

  #call(method: string, path: string, body?: string): Promise<HttpAnswer> {
    return this.#server.manager.call({ method, path, body, headers: { authorization: `Bearer ${this.#token}` } });
  }
}
