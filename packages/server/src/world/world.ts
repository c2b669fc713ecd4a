/**
 * Everything outside the process, as one value. Time, randomness, sockets, HTTP, files and the disk engine reach the
 * server only through here, so the simulated world can replace them all. A crashed simulated world drops every callback
 * that is still to come; therefore nothing in the server keeps module-level mutable state.
 */
import type { Engine } from "../store/engine.ts";

export interface World {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly network: {
    /** Rejects with `BadCertificate` before it listens. */
    listen(at: ListenAt, accept: (socket: Socket) => void): Promise<Listener>;
  };
  readonly http: HttpServing & HttpCalling;
  readonly grpc: GrpcCalling;
  readonly files: Files;
  processUsage(): ProcessUsage;
  readonly runtime: Runtime;
  /** Other threads that can listen at the same address together; absent where there are none. */
  readonly threads?: Threads;
  /** Opens (and creates) the ordered map in `directory`. Rejects with a `StoreOpenError` that names the cause. */
  openEngine(directory: string): Promise<Engine>;
}

/** Wall time may jump either way; monotonic time never goes back. Both in milliseconds. */
export interface Clock {
  wallMs(): number;
  monotonicMs(): number;
}

export interface Timers {
  /** Runs once after `delayMs`. Never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): Timer;
  /** Runs after the I/O events of this turn: it starts the next commit and flushes outboxes. */
  soon(run: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  bytes(count: number): Uint8Array;
  uint32(): number;
}

export interface ListenAt {
  readonly transport: "tcp" | "websocket";
  readonly host: string;
  /** 0 takes any free port; `Listener.port` tells which. */
  readonly port: number;
  /** Other threads listen there, too, and each connection goes to one of them. Only where `threads` are. */
  readonly sharesPort?: boolean;
  /** One inbound WebSocket message may not be larger. */
  readonly messageBytesMax: number;
  /** A PROXY header, TLS or WebSocket handshake that is not over by then is cut. Plain TCP has none. */
  readonly handshakeTimeoutMs: number;
  /** How many of them may be under way; more are cut at once. Without it there is no bound. */
  readonly handshakesMax?: number;
  readonly tls?: TlsCertificate;
  /** Every connection must start with a PROXY header and come from a peer that `trusts` accepts. */
  readonly expectsProxyHeader?: boolean;
  /** Peers whose word about the client's address is taken: a PROXY header, X-Forwarded-For, X-Real-IP. Nobody by default. */
  readonly trusts?: (ip: string) => boolean;
  /** WebSocket: the only path that is served; any by default. */
  readonly path?: string;
  /** WebSocket: the values of `Origin` that are served, in lower case; any by default. A request without one is no browser's. */
  readonly origins?: readonly string[];
}

/** In PEM; a chain may follow the certificate. */
export interface TlsCertificate {
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
  /** Where they come from, for messages. */
  readonly source: string;
}

/** The certificate and key cannot be used; the message is one line that names their source and the cause. */
export class BadCertificate extends Error {
  override readonly name = "BadCertificate";
}

export interface Listener {
  readonly port: number;
  /** Stops accepting and resolves when the port is free; accepted sockets stay with their owner. */
  close(): Promise<void>;
  /** For connections from now on. Throws `BadCertificate`, and the old one stays. Only where there is TLS. */
  replaceCertificate?(certificate: TlsCertificate): void;
}

/** TLS, PROXY headers and WebSocket framing are below this line; above it there are bytes. */
export interface Socket {
  readonly remote: { readonly ip: string; readonly port: number };
  /** WebSocket: each buffer given to `write` is one message, a binary one unless `isText`. */
  readonly keepsBoundaries: boolean;
  /** WebSocket: what is written from now on are text messages. Other transports do not know the difference. */
  isText: boolean;
  /** Bytes given to `write` that the kernel has not taken yet. */
  readonly bufferedBytes: number;
  /** Called once, inside accept. */
  bind(events: SocketEvents): void;
  /** One system call for all buffers where the transport allows it; the buffers are the socket's from now on, and it never changes them. Nothing after `close`. */
  write(buffers: readonly Uint8Array[]): void;
  pause(): void;
  resume(): void;
  /** "after-flush" sends what was written, for at most two seconds: a peer that does not read cannot hold the socket. */
  /** `text` (at most 120 bytes) goes into a WebSocket's close frame; other transports cannot say it. */
  close(how: "after-flush" | "now", text?: string): void;
}

export interface SocketEvents {
  /** The chunk is the receiver's: it is never written to again. */
  bytes(chunk: Uint8Array): void;
  /** The peer lives but sent nothing to decode: a WebSocket ping or pong, which the socket has answered itself. */
  alive?(): void;
  /** After a write left `bufferedBytes` above 0: it is 0 again. */
  drained(): void;
  /** Exactly once and last, whoever closed and why. No `bytes` come after the owner's own `close`. */
  closed(): void;
}

export interface HttpServing {
  /** The real one mounts the routes on Fastify; the simulated one calls them. */
  serve(at: HttpListenAt, routes: readonly Route[], rules: HttpRules): Promise<Listener>;
}

export interface HttpListenAt {
  readonly host: string;
  readonly port: number;
}

/** What holds for every answer of one HTTP listener, whatever the route. */
export interface HttpRules {
  readonly bodyBytesMax: number;
  /** Headers of every answer, errors included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Runs before routing, for unknown paths too; an answer ends the request. */
  gate(request: GatedRequest): HttpAnswer | undefined;
  /** No route fits. */
  notFound(request: Pick<HttpRequest, "method" | "path">): HttpAnswer;
  /** The body is larger than `bodyBytesMax`, or the request is not HTTP that can be read. */
  unreadable(status: number, text: string): HttpAnswer;
  /** A handler threw. */
  failed(error: unknown, request: Pick<HttpRequest, "method" | "path">): HttpAnswer;
  /** Before everything else; an answer ends the request. Each request, refused or not, comes to `ended` exactly once. */
  admit?(request: { readonly ip: string; readonly path: string }): HttpAnswer | undefined;
  /**
   * A request is over: answered, or its connection broke (status 0). `route` is the pattern of the route, ""
   * where none was found.
   */
  ended?(request: { readonly method: string; readonly route: string }, status: number, elapsedMs: number): void;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Fastify's pattern, as `/cluster/channels/:id/:type/denylist`. */
  readonly path: string;
  handle(request: HttpRequest): Promise<HttpAnswer> | HttpAnswer;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** As it came, whatever its Content-Type; empty when there was none. */
  readonly body: Uint8Array;
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** Names in lower case, first value each. */
  readonly headers: Readonly<Record<string, string>>;
  readonly ip: string;
}

/** A request before it has been routed and its body read. */
export type GatedRequest = Pick<HttpRequest, "method" | "path" | "query" | "headers">;

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `application/json; charset=utf-8`. */
  readonly contentType?: string;
  readonly body: string | Uint8Array;
}

export interface HttpCalling {
  /**
   * Any answer is an answer, of whatever status; redirects are not followed. Rejects with `CallFailed` when none came.
   * Connections are kept and used again.
   */
  post(request: HttpPost): Promise<HttpPosted>;
}

export interface HttpPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** For the whole call; connecting has five seconds of it. */
  readonly timeoutMs: number;
  /** Of the answer; what is longer is cut. */
  readonly answerBytesMax: number;
}

export interface HttpPosted {
  readonly status: number;
  readonly body: Uint8Array;
}

export interface GrpcCalling {
  /** One unary call over HTTP/2 without TLS. Rejects with `CallFailed` when no answer came. */
  call(request: GrpcCall): Promise<GrpcCalled>;
}

export interface GrpcCall {
  readonly host: string;
  readonly port: number;
  /** `/package.Service/Method` */
  readonly path: string;
  /** Names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly message: Uint8Array;
  /** For the whole call; connecting has five seconds of it. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
}

export interface GrpcCalled {
  /** gRPC's own code; 0: there is a message. */
  readonly status: number;
  readonly statusText: string;
  readonly message: Uint8Array;
}

/** Nobody answered, or not in time: whether the call had an effect is unknown. The message is one line. */
export class CallFailed extends Error {
  override readonly name = "CallFailed";
}

export interface Files {
  /** undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Atomic and durable: a crash leaves the old or the new bytes. Creates the folder. */
  replace(path: string, bytes: Uint8Array, readers?: FileReaders): Promise<void>;
}

/** Who may read a file; "owner" is the user that the process runs as. By default the system's habit. */
export type FileReaders = "default" | "owner";

/** What the process has used so far. */
export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Of JavaScript. */
  readonly heapBytes: number;
}

/** The process and the machine under it, as an operator wants to know them. */
export interface Runtime {
  /** `directory`: where the data lies. Numbers that the system does not tell are undefined. */
  stats(directory: string): Promise<RuntimeStats>;
}

export interface RuntimeStats {
  readonly runtimeVersion: string;
  readonly startedAtSeconds: number;
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  readonly openFiles: number | undefined;
  readonly openFilesMax: number | undefined;
  /** All files in the directory. */
  readonly dataBytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
  readonly diskBytes: number | undefined;
  /** Time in which the event loop had something to do, and in which it waited. */
  readonly loopActiveSeconds: number;
  readonly loopIdleSeconds: number;
  /** How late the event loop came, since the last call; all zero in the first. */
  readonly loopLag: {
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
    readonly mean: number;
    readonly count: number;
  };
  /** Pauses since the first call. */
  readonly collections: readonly { readonly kind: string; readonly count: number; readonly seconds: number }[];
}

export interface Threads {
  /** How many can run at the same time, this one included. */
  readonly cores: number;
  /** Runs the `runInThread` (a `ThreadProgram`) that the module exports; `data` is copied. Whatever goes wrong comes as `ended`. */
  start(program: URL, data: unknown, events: ThreadEvents): Thread;
}

export interface ThreadEvents {
  message(message: unknown): void;
  /** Exactly once and last; undefined: it was told to end. Its sockets are closed. */
  ended(error: unknown): void;
}

export interface Thread {
  /** Arrives in order, copied but for `buffers`, which are the other side's from now on. */
  post(message: unknown, buffers?: readonly ArrayBuffer[]): void;
  /** At once, whatever it is doing. */
  end(): void;
}

export type ThreadProgram = (world: ThreadWorld, port: ThreadPort, data: unknown) => void;

/** What of the world is in every thread. */
export type ThreadWorld = Pick<World, "clock" | "timers" | "random" | "network">;

/** The other end of a `Thread`. */
export interface ThreadPort {
  post(message: unknown, buffers?: readonly ArrayBuffer[]): void;
  /** Once; what came before is not lost. */
  bind(message: (message: unknown) => void): void;
}
