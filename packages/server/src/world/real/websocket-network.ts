/**
 * WebSocket listeners and sockets, by `ws`. Any path unless told, no subprotocol, no compression; text or binary, both are bytes.
 * Each written buffer is one message, binary unless the socket is told otherwise; all messages of one write are put
 * together, headers and all, in one buffer: `ws` would make two for each.
 */
import type { IncomingMessage } from "node:http";
import type { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { ListenAt, Listener, Socket, SocketEvents, Timer, Timers } from "../world.ts";
import { forwardedRemote } from "./forwarded-address.ts";
import { openFrontDoor } from "./front-door.ts";
import { Handshakes } from "./handshakes.ts";
import { SocketWriter } from "./socket-writer.ts";
import { FLUSH_MS_MAX } from "./tcp-network.ts";
import { webSocketMessages } from "./websocket-messages.ts";

/** An `import` of the module reads all of its members, and one of them loads Node's `fetch`: 12 MB of memory. */
const { createServer } = process.getBuiltinModule("node:http");

/** Enough for browsers, which cut large messages; each fragment costs memory whatever its size. */
const FRAGMENTS_MAX = 256;
/** Chunks of one unfinished frame: a chunk of fewer bytes on average than this is not an honest network's. */
const CHUNK_BYTES_MIN = 256;
const CHUNKS_MIN = 1_024;
/** Answers to pings that a peer does not read. */
const PENDING_PONGS_MAX = 64;

const NORMAL_CLOSURE = 1000;

export async function listenWebSocket(
  at: ListenAt,
  accept: (socket: Socket) => void,
  timers: Timers,
): Promise<Listener> {
  const handshakes = new Handshakes(timers, at.handshakeTimeoutMs, at.handshakesMax);
  const remotes = new WeakMap<Duplex, Socket["remote"]>();
  // Named first, because the types do not know the last two yet.
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: () => false as const,
    maxPayload: at.messageBytesMax,
    maxFragments: FRAGMENTS_MAX,
    maxBufferedChunks: Math.max(CHUNKS_MIN, Math.ceil(at.messageBytesMax / CHUNK_BYTES_MIN)),
    maxPendingAutoPongs: PENDING_PONGS_MAX,
    closeTimeout: FLUSH_MS_MAX,
  };
  const upgrades = new WebSocketServer(options);
  const server = createServer({ noDelay: true }, (_request, response) => {
    response.writeHead(426, { connection: "close, upgrade", upgrade: "websocket", "content-type": "text/plain" });
    response.end("Upgrade Required");
  });
  // The front door hands over a `NetSocket`, plain or with TLS; the type of the event says less.
  server.on("upgrade", (request: IncomingMessage, stream: NetSocket, head: Buffer) => {
    const peer = remotes.get(stream);
    const refusal = refusalOf(request, at);
    if (peer === undefined || refusal !== undefined) {
      stream.end(`HTTP/1.1 ${refusal ?? "400 Bad Request"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const remote = forwardedRemote(peer, request.headers, at.trusts ?? trustsNobody);
    upgrades.handleUpgrade(request, stream, head, (webSocket) => {
      handshakes.end(stream);
      remotes.delete(stream);
      webSocket.on("error", ignore);
      accept(new WsSocket(webSocket, stream, remote, timers));
    });
  });
  const door = await openFrontDoor(at, timers, (stream, remote) => {
    if (!handshakes.begin(stream)) return;
    remotes.set(stream, remote);
    // This server listens nowhere itself; sockets may be given to it like this.
    server.emit("connection", stream);
  });
  return {
    ...door,
    close() {
      handshakes.destroyAll();
      return door.close();
    },
  };
}

/** The status line for a request that is not for this server; undefined: it is. */
function refusalOf({ url = "/", headers }: IncomingMessage, at: ListenAt): string | undefined {
  if (at.path !== undefined && url.split("?", 1)[0] !== at.path) return "404 Not Found";
  const { origin } = headers;
  if (at.origins !== undefined && origin !== undefined && !at.origins.includes(origin.toLowerCase())) {
    return "403 Forbidden";
  }
  return undefined;
}

function trustsNobody(): boolean {
  return false;
}

/** Where the listeners, the same for all sockets, find whose event it is: closures for each would add up. */
const OWNER: unique symbol = Symbol("owner");

interface OwnedWebSocket extends WebSocket {
  [OWNER]?: WsSocket;
}

/** The binary type is left at Node's default, so a message is always one Buffer, text included. */
function onMessage(this: OwnedWebSocket, message: Buffer): void {
  this[OWNER]?.received(message);
}

function onPingOrPong(this: OwnedWebSocket): void {
  this[OWNER]?.alive();
}

function onClose(this: OwnedWebSocket): void {
  this[OWNER]?.gone();
}

function ignore(): void {
  // "close" follows.
}

class WsSocket implements Socket {
  readonly remote: Socket["remote"];
  readonly keepsBoundaries = true;
  isText = false;
  readonly #webSocket: OwnedWebSocket;
  /** Below `#webSocket`: messages are written to it, and it knows what it has not sent. */
  readonly #socket: NetSocket;
  readonly #timers: Timers;
  #events: SocketEvents | undefined;
  #writer: SocketWriter | undefined;
  #isClosing = false;
  #flushTimer: Timer | undefined;

  constructor(webSocket: WebSocket, socket: NetSocket, remote: Socket["remote"], timers: Timers) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.remote = remote;
    this.#timers = timers;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  bind(events: SocketEvents): void {
    this.#events = events;
    this.#webSocket[OWNER] = this;
    this.#webSocket.on("message", onMessage);
    this.#webSocket.on("ping", onPingOrPong);
    this.#webSocket.on("pong", onPingOrPong);
    this.#webSocket.on("close", onClose);
  }

  received(message: Buffer): void {
    if (!this.#isClosing) this.#events?.bytes(message);
  }

  alive(): void {
    this.#events?.alive?.();
  }

  gone(): void {
    this.#isClosing = true;
    this.#flushTimer?.cancel();
    this.#events?.closed();
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.#isClosing || this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    // Without compression `ws` writes each of its own frames whole and at once, so these may stand between any two of them.
    this.#socket.write(webSocketMessages(buffers, this.isText));
    if (this.#socket.writableLength === 0 || this.#events === undefined) return;
    this.#writer ??= new SocketWriter(this.#socket, this.#events);
    this.#writer.watch();
  }

  pause(): void {
    if (!this.#isClosing) this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  close(how: "after-flush" | "now", text = ""): void {
    if (how === "now") {
      this.#isClosing = true;
      this.#webSocket.terminate();
      return;
    }
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#webSocket.resume();
    this.#webSocket.close(NORMAL_CLOSURE, text);
    this.#flushTimer = this.#timers.after(FLUSH_MS_MAX, () => this.#webSocket.terminate());
  }
}
