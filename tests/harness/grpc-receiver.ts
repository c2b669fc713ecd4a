/** A back end that takes webhook events by gRPC, as `wkhook.WebhookService` is defined: written by hand, from the wire. */
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";

export interface GrpcDelivery {
  readonly event: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const PATH = "/wkhook.WebhookService/SendWebhook";
const SUCCESS = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
/** `EventResp` with its default status has no bytes. */
const ERROR = Buffer.from([0, 0, 0, 0, 0]);
const UNIMPLEMENTED = "12";

export class GrpcReceiver implements AsyncDisposable {
  readonly taken: GrpcDelivery[] = [];
  isSuccessful = true;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
  }

  static async start(): Promise<GrpcReceiver> {
    const server = createServer();
    const receiver = new GrpcReceiver(server);
    server.on("session", (session) => receiver.#sessions.add(session));
    server.on("stream", (stream, headers) => {
      const parts: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        if (
          headers[":path"] !== PATH ||
          headers["content-type"] !== "application/grpc" ||
          headers["te"] !== "trailers"
        ) {
          stream.respond({ ":status": 200, "grpc-status": UNIMPLEMENTED }, { endStream: true });
          return;
        }
        const [event = "", body = ""] = stringFields(Buffer.concat(parts).subarray(5));
        if (receiver.isSuccessful) receiver.taken.push({ event, headers, body });
        stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(receiver.isSuccessful ? SUCCESS : ERROR);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Fields 1 and 2 of `EventReq`, in this order, each with its length in front. */
function stringFields(message: Buffer): string[] {
  const fields: string[] = [];
  for (let at = 0; at < message.length; ) {
    at++;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    fields.push(message.toString("utf8", at, at + length));
    at += length;
  }
  return fields;
}
