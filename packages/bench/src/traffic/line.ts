/** A byte line to the server, over any transport. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Transport } from "../scenario/scenario.ts";
import type { HostPort } from "../server/target.ts";
import { openWebSocket } from "./websocket-line.ts";

export interface Line {
  /** Whether frames must be packed by `Outgoing` as WebSocket messages. */
  readonly isWebSocket: boolean;
  /** Bytes that the system has not taken. */
  readonly queuedBytes: number;
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface LineEvents {
  opened(line: Line): void;
  /** The bytes may change after the call. */
  bytes(bytes: Uint8Array, start: number, end: number): void;
  closed(): void;
}

/** Every read of every plain socket goes through it: it is scanned before the next one. */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** `localAddress`: another loopback address of the client, when one has no ports left. */
export function openLine(
  transport: Transport,
  to: HostPort,
  localAddress: string | undefined,
  events: LineEvents,
): void {
  if (transport === "ws" || transport === "wss") {
    openWebSocket(to, (socketEvents) => openSocket(transport === "wss", to, localAddress, socketEvents), events);
  } else {
    const socket: Socket = openSocket(transport === "tls", to, localAddress, {
      opened: () => events.opened(lineOf(socket, false)),
      bytes: (bytes, start, end) => events.bytes(bytes, start, end),
      closed: () => events.closed(),
    });
  }
}

export interface SocketEvents {
  opened(): void;
  bytes(bytes: Uint8Array, start: number, end: number): void;
  closed(): void;
}

function openSocket(isTls: boolean, to: HostPort, localAddress: string | undefined, events: SocketEvents): Socket {
  const where = { host: to.host, port: to.port, ...(localAddress === undefined ? {} : { localAddress }) };
  const socket = isTls
    ? connectTls({ ...where, rejectUnauthorized: false }, () => events.opened())
    : connectTcp(
        {
          ...where,
          noDelay: true,
          onread: {
            buffer: shared,
            callback: (length, bytes) => {
              events.bytes(bytes, 0, length);
              return true;
            },
          },
        },
        () => events.opened(),
      );
  if (isTls) {
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => events.bytes(chunk, 0, chunk.length));
  }
  socket.on("error", () => {
    // "close" follows.
  });
  socket.on("close", () => events.closed());
  return socket;
}

export function lineOf(socket: Socket, isWebSocket: boolean): Line {
  return {
    isWebSocket,
    get queuedBytes() {
      return socket.writableLength;
    },
    write: (bytes) => void socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}
