/**
 * A JSON-RPC client for tests, in the manners of EasySDK: no `jsonrpc` member, ping with empty params, whatever has an
 * `id` is an answer, whatever has none is a notification, and every RECV is answered with a recvack. What must hold always
 * is checked by itself and said in `faults`.
 */
import { randomUUID } from "node:crypto";
import { JsonSplitter } from "@wukong-ts/protocol";
import { openSocket, type Transport, type WireSocket } from "./wire-socket.ts";

export interface JsonOptions {
  readonly port: number;
  readonly transport?: Transport;
  readonly uid: string;
  readonly token?: string;
  readonly deviceId?: string;
  readonly deviceFlag?: number;
  readonly version?: number;
}
export interface JsonError {
  readonly code: number;
  readonly message: string;
}
export interface JsonAnswer {
  readonly jsonrpc?: string;
  readonly id?: string;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: JsonError;
}
export interface JsonReceived {
  readonly header?: Readonly<Record<string, boolean>>;
  readonly setting?: Readonly<Record<string, boolean>>;
  readonly expire?: number;
  readonly messageId: string;
  readonly messageSeq: number;
  readonly clientMsgNo: string;
  readonly streamId?: string;
  readonly timestamp: number;
  readonly channelId: string;
  readonly channelType: number;
  readonly topic?: string;
  readonly fromUid: string;
  readonly payload: string;
}

const TEXT_BYTES_MAX = 4_000_000;
const decoder = new TextDecoder("utf-8", { fatal: true });

export class JsonClient implements Disposable {
  readonly uid: string;
  /** All that came and was not taken. */
  readonly received: JsonReceived[] = [];
  /** Errors that name no request. */
  readonly errors: JsonError[] = [];
  readonly disconnects: { readonly reasonCode: number; readonly reason?: string }[] = [];
  readonly faults: string[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  readonly #options: JsonOptions;
  readonly #splitter = new JsonSplitter({ textBytesMax: TEXT_BYTES_MAX });
  readonly #waiting = new Map<string, (answer: JsonAnswer | undefined) => void>();
  readonly #listeners = new Set<() => void>();
  #socket: WireSocket | undefined;
  #resolveClosed: () => void = () => undefined;

  private constructor(options: JsonOptions) {
    this.uid = options.uid;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Opens the connection and sends nothing. */
  static async open(options: JsonOptions): Promise<JsonClient> {
    const client = new JsonClient(options);
    client.#socket = await openSocket(options.transport ?? "websocket", options.port, {
      bytes: (chunk, isText) => client.#onBytes(chunk, isText),
      closed: () => client.#onClosed(),
    });
    return client;
  }

  /** Opens, connects and must be accepted. */
  static async connect(options: JsonOptions): Promise<JsonClient> {
    const client = await JsonClient.open(options);
    const answer = await client.login();
    if (answer?.result?.["reasonCode"] !== 1) {
      client.close();
      throw new Error(`connect of ${options.uid} was answered ${JSON.stringify(answer)}`);
    }
    return client;
  }

  login(): Promise<JsonAnswer | undefined> {
    return this.request("connect", this.connectParams());
  }

  connectParams(): Readonly<Record<string, unknown>> {
    const { uid, token = "", deviceId = randomUUID(), deviceFlag = 1, version } = this.#options;
    return {
      uid,
      token,
      deviceId,
      deviceFlag,
      clientTimestamp: Date.now(),
      ...(version === undefined ? {} : { version }),
    };
  }

  /** undefined: the connection was closed, or nothing came in time. */
  request(method: string, params: unknown, id: string = randomUUID()): Promise<JsonAnswer | undefined> {
    const answer = this.answerTo(id);
    this.write(JSON.stringify({ method, params, id }));
    return answer;
  }

  /** For requests that are written by hand. */
  answerTo(id: string, withinMs = 10_000): Promise<JsonAnswer | undefined> {
    if (this.isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(undefined);
      }, withinMs);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(answer);
      });
    });
  }

  /** As EasySDK sends: with the red dot, and a number of its own unless `more` says otherwise. */
  send(
    channelId: string,
    channelType: number,
    text: string,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<JsonAnswer | undefined> {
    return this.request("send", sendParams(channelId, channelType, text, more));
  }

  async sendOk(
    channelId: string,
    channelType: number,
    text: string,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly messageId: string; readonly messageSeq: number }> {
    const answer = await this.send(channelId, channelType, text, more);
    const { messageId, messageSeq, reasonCode } = answer?.result ?? {};
    if (reasonCode !== 1 || typeof messageId !== "string" || typeof messageSeq !== "number") {
      throw new Error(`send of ${this.uid} was answered ${JSON.stringify(answer)}`);
    }
    return { messageId, messageSeq };
  }

  ping(): Promise<JsonAnswer | undefined> {
    return this.request("ping", {});
  }

  /** Raw text or bytes; text goes out as a WebSocket text message. */
  write(what: string | Uint8Array): void {
    if (this.isClosed) return;
    if (typeof what === "string") this.#socket?.writeText(what);
    else this.#socket?.write(what);
  }

  /** Waits for `count` messages and takes all there are. Throws if the server broke a rule. */
  async takeSome(count: number, withinMs = 10_000): Promise<JsonReceived[]> {
    await this.until(() => this.received.length >= count || this.isClosed, withinMs);
    if (this.faults.length > 0) throw new Error(`${this.uid}: ${this.faults.join("; ")}`);
    if (this.received.length < count)
      throw new Error(`${this.uid} received ${this.received.length} of ${count} messages`);
    return this.received.splice(0);
  }

  /** true as soon as the fact holds, false when the time is over. Looks again whenever something comes. */
  until(fact: () => boolean, withinMs = 10_000): Promise<boolean> {
    if (fact()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (value: boolean): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(value);
      };
      const look = (): void => {
        if (fact()) finish(true);
      };
      const timer = setTimeout(() => finish(fact()), withinMs);
      this.#listeners.add(look);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #onBytes(chunk: Uint8Array, isText: boolean): void {
    const isWebSocket = this.#options.transport !== "tcp";
    if (isWebSocket && !isText) this.faults.push("a binary WebSocket message");
    this.#splitter.push(chunk);
    let count = 0;
    for (let text = this.#splitter.next(); text !== undefined; text = this.#splitter.next()) {
      count++;
      this.#onMessage(decoder.decode(text));
    }
    if (isWebSocket && count !== 1) this.faults.push(`a WebSocket message held ${count} messages`);
    for (const listener of Array.from(this.#listeners)) listener();
  }

  #onMessage(text: string): void {
    const message = JSON.parse(text); // of the server's own making; what is used is checked where it is used
    if (message.jsonrpc !== "2.0") this.faults.push(`no jsonrpc in ${text}`);
    if ("id" in message) {
      const waiting = this.#waiting.get(message.id);
      if (waiting === undefined) this.faults.push(`an answer to nothing: ${text}`);
      else waiting(message);
    } else if (message.method === "recv") {
      this.received.push(message.params);
      const { header, messageId, messageSeq } = message.params;
      this.write(JSON.stringify({ method: "recvack", params: { header, messageId, messageSeq } }));
    } else if (message.method === "disconnect") this.disconnects.push(message.params);
    else if (message.error !== undefined) this.errors.push(message.error);
    else this.faults.push(`neither an answer nor a notification: ${text}`);
  }

  #onClosed(): void {
    this.isClosed = true;
    for (const waiting of Array.from(this.#waiting.values())) waiting(undefined);
    this.#resolveClosed();
    for (const listener of Array.from(this.#listeners)) listener();
  }
}

export function sendParams(
  channelId: string,
  channelType: number,
  text: string,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const payload = Buffer.from(text).toString("base64");
  return { clientMsgNo: randomUUID(), channelId, channelType, payload, header: { redDot: true }, ...more };
}
