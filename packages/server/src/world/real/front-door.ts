/**
 * From an accepted kernel socket to a stream of the client's own bytes: first the PROXY header, then TLS, both only
 * when asked for. Whoever does not get through in time, or says anything else, is cut.
 *
 *   kernel socket → PROXY header → TLS → `open(stream, remote)`
 *
 * The address that a PROXY header names is believed from peers that are trusted; others may not connect at all then,
 * because they could write any address.
 */
import { createServer, type Socket as NetSocket, type Server } from "node:net";
import {
  createSecureContext,
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import { parseProxyHeader } from "@wukong-ts/protocol";
import {
  BadCertificate,
  type ListenAt,
  type Listener,
  type Socket,
  type Timers,
  type TlsCertificate,
} from "../world.ts";
import { Handshakes } from "./handshakes.ts";
import { bindServer, remoteOf, stopAccepting } from "./listen.ts";

type Remote = Socket["remote"];

/** Both versions fit with room for the extensions that load balancers add; the format itself would allow 64 KiB. */
const PROXY_HEADER_BYTES_MAX = 4_096;

/** `open` gets a flowing or paused stream whose errors are taken care of; for TLS it is a `TLSSocket`. */
export async function openFrontDoor(
  at: ListenAt,
  timers: Timers,
  open: (stream: NetSocket, remote: Remote) => void,
): Promise<Listener> {
  const handshakes = new Handshakes(timers, at.handshakeTimeoutMs, at.handshakesMax);
  const tls = at.tls === undefined ? undefined : new TlsDoor(at.tls, handshakes, open);
  const enter = (raw: NetSocket, remote: Remote): void => {
    if (tls !== undefined) {
      tls.enter(raw, remote);
    } else {
      handshakes.end(raw);
      open(raw, remote);
    }
  };
  const server: Server = createServer({ noDelay: true }, (raw) => {
    raw.on("error", ignore);
    const remote = remoteOf(raw);
    if (remote === undefined) raw.destroy();
    else if (at.expectsProxyHeader !== true) {
      if (tls === undefined || handshakes.begin(raw)) enter(raw, remote);
    } else if (at.trusts?.(remote.ip) !== true) raw.destroy();
    else if (handshakes.begin(raw)) readProxyHeader(raw, (source) => enter(raw, source ?? remote));
  });
  const port = await bindServer(server, at.host, at.port, at.sharesPort);
  const listener: Listener = {
    port,
    close() {
      handshakes.destroyAll();
      return stopAccepting(server);
    },
  };
  if (tls === undefined) return listener;
  return { ...listener, replaceCertificate: (certificate) => tls.replaceCertificate(certificate) };
}

function ignore(): void {
  // "close" follows.
}

/** Takes exactly the header from the stream; what follows stays in it. Calls `done` only when there was one. */
function readProxyHeader(raw: NetSocket, done: (source: Remote | undefined) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const onEnd = (): void => void raw.destroy();
  // "readable" and not "data": when the listener goes, the stream does not lose what nobody took yet.
  const onReadable = (): void => {
    const chunk: Buffer | null = raw.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const header = parseProxyHeader(seen);
    if (header.kind === "incomplete" && seen.length < PROXY_HEADER_BYTES_MAX) return;
    if (header.kind !== "header" || header.headerBytes > PROXY_HEADER_BYTES_MAX) {
      raw.destroy();
      return;
    }
    raw.removeListener("readable", onReadable);
    raw.removeListener("end", onEnd);
    if (seen.length > header.headerBytes) raw.unshift(seen.subarray(header.headerBytes));
    done(header.source);
  };
  raw.on("readable", onReadable);
  raw.once("end", onEnd);
}

/** A TLS server that does not listen: it is given accepted sockets, and gives back those that speak TLS. */
class TlsDoor {
  readonly #server: TlsServer;
  readonly #handshakes: Handshakes;
  /** Of handshakes under way, by the peer's own address and port, which is all that both ends of the server see. */
  readonly #entering = new Map<string, { readonly raw: NetSocket; readonly remote: Remote }>();

  constructor(certificate: TlsCertificate, handshakes: Handshakes, open: (stream: NetSocket, remote: Remote) => void) {
    this.#handshakes = handshakes;
    this.#server = createTlsServer({ ...checked(certificate), noDelay: true });
    this.#server.on("secureConnection", (stream: TLSSocket) => {
      // After the handshake a record that cannot be decrypted is only reported; Node leaves the connection as it is.
      stream.on("error", () => stream.destroy());
      const entered = this.#entering.get(keyOf(stream));
      if (entered === undefined) {
        stream.destroy();
        return;
      }
      this.#handshakes.end(entered.raw);
      open(stream, entered.remote);
    });
    this.#server.on("tlsClientError", (_error, stream) => stream.destroy());
  }

  enter(raw: NetSocket, remote: Remote): void {
    const key = keyOf(raw);
    this.#entering.set(key, { raw, remote });
    raw.once("close", () => {
      if (this.#entering.get(key)?.raw === raw) this.#entering.delete(key);
    });
    this.#server.emit("connection", raw);
  }

  replaceCertificate(certificate: TlsCertificate): void {
    this.#server.setSecureContext(checked(certificate));
  }
}

function keyOf({ remoteAddress, remotePort }: NetSocket): string {
  return `${remoteAddress} ${remotePort}`;
}

function checked({ certificate, key, source }: TlsCertificate): { readonly cert: Buffer; readonly key: Buffer } {
  const pair = { cert: Buffer.from(certificate), key: Buffer.from(key) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new BadCertificate(`${source}: no usable certificate and key: ${cause}`, { cause: error });
  }
}
