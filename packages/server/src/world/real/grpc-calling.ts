/**
 * Unary gRPC calls over HTTP/2 without TLS, by Node's own HTTP/2: a message is five bytes of header and itself, and the
 * outcome stands in the trailers. One connection to each address, opened when it is needed and again when it is gone.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { CallFailed, type GrpcCall, type GrpcCalled, type GrpcCalling, type Timers } from "../world.ts";

const CONNECT_MS_MAX = 5_000;
/** One byte that says "not compressed", and the length. */
const PREFIX_BYTES = 5;
/** gRPC's code for an answer that is none. */
const UNKNOWN = 2;

type Http2 = typeof import("node:http2");

export function createGrpcCalling(timers: Timers): GrpcCalling {
  let loading: Promise<Http2> | undefined;
  const sessions = new Map<string, Promise<ClientHttp2Session>>();
  const sessionOf = (http2: Http2, authority: string): Promise<ClientHttp2Session> => {
    const known = sessions.get(authority);
    if (known !== undefined) return known;
    const opening = open(http2, authority, timers, () => {
      if (sessions.get(authority) === opening) sessions.delete(authority);
    });
    sessions.set(authority, opening);
    return opening;
  };
  return {
    async call(request) {
      loading ??= import("node:http2");
      const host = request.host.includes(":") ? `[${request.host}]` : request.host;
      const session = await sessionOf(await loading, `http://${host}:${request.port}`);
      return unary(session, request, timers);
    },
  };
}

function open(http2: Http2, authority: string, timers: Timers, gone: () => void): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(authority);
    const late = timers.after(CONNECT_MS_MAX, () =>
      session.destroy(new Error(`not connected in ${CONNECT_MS_MAX} ms`)),
    );
    const ended = (reason: string): void => {
      late.cancel();
      gone();
      reject(new CallFailed(reason));
    };
    session.once("connect", () => {
      late.cancel();
      // A connection that nobody uses keeps no process alive.
      session.unref();
      resolve(session);
    });
    session.on("error", (error) => ended(error.message));
    session.on("goaway", gone);
    session.on("close", () => ended("the connection was closed"));
  });
}

function unary(session: ClientHttp2Session, call: GrpcCall, timers: Timers): Promise<GrpcCalled> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request({
        ":method": "POST",
        ":path": call.path,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": `${call.timeoutMs}m`,
        ...call.metadata,
      });
    } catch (error) {
      reject(new CallFailed(error instanceof Error ? error.message : String(error)));
      return;
    }
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    let bytes = 0;
    const fail = (reason: string): void => {
      timer.cancel();
      stream.destroy();
      reject(new CallFailed(reason));
    };
    const timer = timers.after(call.timeoutMs, () => {
      // The connection may be dead without anybody having said so.
      session.destroy();
      fail(`no answer within ${call.timeoutMs} ms`);
    });
    stream.on("response", (received) => (headers = received));
    stream.on("trailers", (received) => (trailers = received));
    stream.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > call.answerBytesMax + PREFIX_BYTES) fail("the answer is too long");
      else parts.push(part);
    });
    stream.on("error", (error) => fail(error.message));
    stream.on("close", () => {
      timer.cancel();
      const answered = answerOf(headers, trailers, Buffer.concat(parts));
      if (answered === undefined) reject(new CallFailed("the call ended without an answer"));
      else resolve(answered);
    });
    stream.end(framed(call.message));
  });
}

function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** undefined: there was none. A call that fails at once has its outcome in the headers. */
function answerOf(headers: IncomingHttpHeaders, trailers: IncomingHttpHeaders, body: Buffer): GrpcCalled | undefined {
  const status = trailers["grpc-status"] ?? headers["grpc-status"];
  const text = trailers["grpc-message"] ?? headers["grpc-message"];
  if (status === undefined) {
    const http = headers[":status"];
    return http === undefined ? undefined : { status: UNKNOWN, statusText: `HTTP ${http}`, message: body };
  }
  if (Number(status) !== 0) return { status: Number(status), statusText: String(text ?? ""), message: body };
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES)
    return { status: UNKNOWN, statusText: "the message is damaged or compressed", message: body };
  return { status: 0, statusText: "", message: body.subarray(PREFIX_BYTES) };
}
