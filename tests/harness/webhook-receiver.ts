/** A back end that receives webhooks by HTTP: it remembers every call, and refuses or lets wait what it is told to. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type Json, tryParseJson } from "./exact-json.ts";
import { claimPorts, releasePort } from "./ports.ts";
import { eventually } from "./waiting.ts";

export interface WebhookCall {
  /** From the query. */
  readonly event: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly body: Json;
  /** What it was answered with. */
  readonly status: number;
  /** Its place among all calls, from 0. */
  readonly at: number;
}

export class WebhookReceiver implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #calls: WebhookCall[] = [];
  /** Given to every call; 0: the connection is cut instead. */
  status = 200;
  /** Chooses the status of one call; undefined: `status`. */
  answer: ((event: string, body: Json) => number | undefined) | undefined;
  /** What every call waits for before it is answered. */
  hold: Promise<void> = Promise.resolve();

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const event = new URL(request.url ?? "", "http://receiver").searchParams.get("event") ?? "";
        const raw = Buffer.concat(chunks);
        const body = tryParseJson(raw.toString()) ?? null;
        const status = this.answer?.(event, body) ?? this.status;
        this.#calls.push({ event, headers: request.headers, raw, body, status, at: this.#calls.length });
        void this.hold.then(() => {
          if (status === 0) request.socket.destroy();
          else response.writeHead(status).end();
        });
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const [port] = await claimPorts(1);
    const receiver = new WebhookReceiver(port!);
    await receiver.listen();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Every call so far, whatever it was answered with. */
  get calls(): readonly WebhookCall[] {
    return this.#calls;
  }

  /** The bodies of an event that were answered with 200; those of an array one by one. */
  taken(event: string): readonly Json[] {
    return this.#calls
      .filter((call) => call.event === event && call.status === 200)
      .flatMap(({ body }) => (Array.isArray(body) ? body : [body]));
  }

  /** Waits until so many were taken. */
  async until(event: string, count: number, withinMs = 15_000): Promise<readonly Json[]> {
    await eventually(() => this.taken(event).length >= count, `${count} of ${event} come`, withinMs);
    return this.taken(event);
  }

  /** The port refuses connections. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.port, "127.0.0.1", resolve);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    releasePort(this.port);
  }
}
