/** A back end that takes webhook events over HTTP: it keeps what it has taken, and answers as the test says. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Json, tryParseJson } from "./exact-json.ts";

/** One request, as it came. */
export interface Delivery {
  readonly event: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A status, or what else is done with the answer. */
export type Reaction = (delivery: Delivery, answer: ServerResponse) => number | "handled" | Promise<number | "handled">;

export class WebhookReceiver implements AsyncDisposable {
  /** All that was answered with 200. */
  readonly taken: Delivery[] = [];
  /** All that came. */
  readonly seen: Delivery[] = [];
  react: Reaction = () => 200;
  readonly #entries = new Map<Delivery, readonly Json[]>();
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.open();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** On the same port as before. */
  async open(): Promise<void> {
    const server = createServer((request, answer) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const url = request.url ?? "";
        const event = new URL(url, "http://x").searchParams.get("event") ?? "";
        void this.#answer({ event, url, headers: request.headers, body: Buffer.concat(parts).toString() }, answer);
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
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** The messages of all `msg.notify` that were taken, in the order in which they came. */
  notified(): NotifiedMessage[] {
    return this.taken.filter(({ event }) => event === "msg.notify").flatMap(messagesOf);
  }

  /** What a body tells of, one by one, 64-bit numbers exact; the same objects each time. */
  entriesOf(delivery: Delivery): readonly Json[] {
    let entries = this.#entries.get(delivery);
    if (entries === undefined) {
      const parsed = tryParseJson(delivery.body) ?? [];
      entries = Array.isArray(parsed) ? parsed : [parsed];
      this.#entries.set(delivery, entries);
    }
    return entries;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #answer(delivery: Delivery, answer: ServerResponse): Promise<void> {
    this.seen.push(delivery);
    const status = await this.react(delivery, answer);
    if (status === "handled") return;
    if (status === 200) this.taken.push(delivery);
    answer.writeHead(status).end();
  }
}

export interface NotifiedMessage {
  readonly message_idstr: string;
  readonly client_msg_no: string;
  readonly message_seq: number;
  readonly from_uid: string;
  readonly channel_id: string;
  readonly channel_type: number;
  readonly payload: string;
}

export function messagesOf({ body }: Pick<Delivery, "body">): readonly NotifiedMessage[] {
  return JSON.parse(body) as readonly NotifiedMessage[];
}
