/**
 * The client's half of RFC 6455, as far as a load generator needs it: no extensions, binary messages, a masking key of
 * zeros (so that masking costs nothing), no fragments of its own.
 */
import type { Socket } from "node:net";
import type { HostPort } from "../server/target.ts";
import { type Line, type LineEvents, lineOf, type SocketEvents } from "./line.ts";

const CLOSE = 8;
const PING = 9;
const PONG = 10;
const END_OF_HEAD = Buffer.from("\r\n\r\n");

export function openWebSocket(to: HostPort, open: (events: SocketEvents) => Socket, events: LineEvents): void {
  let line: Line | undefined;
  let rest = Buffer.alloc(0);
  const socket = open({
    opened: () => {
      socket.write(
        `GET / HTTP/1.1\r\nHost: ${to.host}:${to.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: d3Vrb25nLXRzLWJlbmNoIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
    },
    bytes: (bytes, start, end) => {
      const all = rest.length === 0 ? bytes.subarray(start, end) : Buffer.concat([rest, bytes.subarray(start, end)]);
      let at = 0;
      if (line === undefined) {
        const headEnd = Buffer.from(all.buffer, all.byteOffset, all.length).indexOf(END_OF_HEAD);
        if (headEnd < 0) {
          rest = Buffer.from(all);
          return;
        }
        if (!Buffer.from(all.subarray(0, 12)).toString("latin1").endsWith(" 101")) {
          socket.destroy();
          return;
        }
        line = lineOf(socket, true);
        at = headEnd + END_OF_HEAD.length;
        events.opened(line);
      }
      const taken = scanMessages(all, at, events, socket);
      rest = taken === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(taken));
    },
    closed: () => events.closed(),
  });
}

/** Returns where the first incomplete WebSocket frame begins. */
function scanMessages(bytes: Uint8Array, from: number, events: LineEvents, socket: Socket): number {
  let at = from;
  while (bytes.length - at >= 2) {
    const opcode = bytes[at]! & 0x0f;
    let length = bytes[at + 1]! & 0x7f;
    let bodyAt = at + 2;
    if (length >= 126) {
      const digits = length === 126 ? 2 : 8;
      if (bytes.length - bodyAt < digits) return at;
      length = 0;
      for (let digit = 0; digit < digits; digit++) length = length * 256 + bytes[bodyAt++]!;
    }
    if (bytes.length - bodyAt < length) return at;
    at = bodyAt + length;
    if (opcode === CLOSE) socket.destroy();
    else if (opcode === PING) socket.write(pongOf(bytes.subarray(bodyAt, at)));
    else if (opcode !== PONG) events.bytes(bytes, bodyAt, at);
  }
  return at;
}

function pongOf(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x80 | PONG, 0x80 | body.length, 0, 0, 0, 0]), body]);
}
