/** The bytes below WKProto: a TCP or a WebSocket connection, the same to use. */
import { connect as connectTcp } from "node:net";
import { WebSocket } from "ws";

export type Transport = "tcp" | "websocket";
export interface WireSocket {
  write(bytes: Uint8Array): void;
  /** As a text message where there are messages. */
  writeText(text: string): void;
  /** Stops reading, so that the server's queue for this connection grows. */
  pause(): void;
  resume(): void;
  /** Says goodbye: FIN, or a close frame. */
  end(): void;
  destroy(): void;
}
export interface WireEvents {
  /** `isText`: it is a WebSocket text message. */
  bytes(chunk: Uint8Array, isText: boolean): void;
  /** `code` and `text` are those of a WebSocket close frame, 1006 where none came; 0 for TCP. */
  closed(code: number, text: string): void;
}

/** Resolves when the connection is open, or could not be opened: then `closed` has been called. */
export function openSocket(transport: Transport, port: number, events: WireEvents): Promise<WireSocket> {
  return transport === "tcp" ? openTcp(port, events) : openWebSocket(port, events);
}

function openTcp(port: number, events: WireEvents): Promise<WireSocket> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: "127.0.0.1", port, noDelay: true });
    const opened: WireSocket = {
      write: (bytes) => void socket.write(bytes),
      writeText: (text) => void socket.write(text),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      end: () => void socket.end(),
      destroy: () => void socket.destroy(),
    };
    socket.on("data", (chunk: Buffer) => events.bytes(chunk, false));
    socket.on("error", () => {
      // "close" follows.
    });
    socket.on("close", () => {
      events.closed(0, "");
      resolve(opened);
    });
    socket.on("connect", () => resolve(opened));
  });
}

function openWebSocket(port: number, events: WireEvents): Promise<WireSocket> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    socket.binaryType = "nodebuffer";
    const opened: WireSocket = {
      write: (bytes) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
      },
      writeText: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      end: () => socket.close(),
      destroy: () => socket.terminate(),
    };
    socket.on("message", (data, isBinary) => events.bytes(data as Buffer, !isBinary)); // binaryType says Buffer
    socket.on("error", () => {
      // "close" follows.
    });
    socket.on("close", (code, text) => {
      events.closed(code, text.toString());
      resolve(opened);
    });
    socket.on("open", () => resolve(opened));
  });
}
