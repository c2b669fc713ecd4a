/** Every packet as one union, and its way to bytes. One file per packet lies in `frames/`. */
import { type Connack, connackFlags, sizeOfConnack, writeConnack } from "./frames/connack.ts";
import { type Connect, sizeOfConnect, writeConnect } from "./frames/connect.ts";
import { type Disconnect, sizeOfDisconnect, writeDisconnect } from "./frames/disconnect.ts";
import { type Event, sizeOfEvent, writeEvent } from "./frames/event.ts";
import { encodePing, encodePong, type Ping, type Pong } from "./frames/ping-pong.ts";
import { type Recv, sizeOfRecv, writeRecv } from "./frames/recv.ts";
import { type Recvack, sizeOfRecvack, writeRecvack } from "./frames/recvack.ts";
import { type Send, sizeOfSend, writeSend } from "./frames/send.ts";
import { encodeSendack, type Sendack } from "./frames/sendack.ts";
import { type Sub, sizeOfSub, writeSub } from "./frames/sub.ts";
import { type Suback, sizeOfSuback, writeSuback } from "./frames/suback.ts";
import { PacketType } from "./packet-type.ts";
import { Writer } from "./writer.ts";

export type Frame =
  | Connect
  | Connack
  | Send
  | Sendack
  | Recv
  | Recvack
  | Ping
  | Pong
  | Disconnect
  | Sub
  | Suback
  | Event;

/**
 * The frame's bytes in the connection's version. Throws `ProtocolError` for what the wire cannot say: a string above
 * 32,767 bytes or with a lone surrogate, a messageSeq above 32 bits before version 6. Other numbers are cut to their field.
 */
export function encodeFrame(frame: Frame, version: number): Uint8Array {
  switch (frame.type) {
    case PacketType.connect: {
      const writer = new Writer(frame.type, 0, sizeOfConnect(frame));
      writeConnect(frame, writer);
      return writer.done();
    }
    case PacketType.connack: {
      const writer = new Writer(frame.type, connackFlags(frame), sizeOfConnack(frame, version));
      writeConnack(frame, version, writer);
      return writer.done();
    }
    case PacketType.send: {
      const writer = new Writer(frame.type, frame.flags, sizeOfSend(frame, version));
      writeSend(frame, version, writer);
      return writer.done();
    }
    case PacketType.sendack:
      return encodeSendack(
        frame.flags,
        frame.messageId,
        frame.clientSeq,
        frame.messageSeq,
        frame.reason,
        frame.clientMsgNo ?? "",
        version,
      );
    case PacketType.recv: {
      const writer = new Writer(frame.type, frame.flags, sizeOfRecv(frame, version));
      writeRecv(frame, version, writer);
      return writer.done();
    }
    case PacketType.recvack: {
      const writer = new Writer(frame.type, frame.flags, sizeOfRecvack(version));
      writeRecvack(frame, version, writer);
      return writer.done();
    }
    case PacketType.ping:
      return encodePing();
    case PacketType.pong:
      return encodePong();
    case PacketType.disconnect: {
      const writer = new Writer(frame.type, 0, sizeOfDisconnect(frame));
      writeDisconnect(frame, writer);
      return writer.done();
    }
    case PacketType.sub: {
      const writer = new Writer(frame.type, 0, sizeOfSub(frame));
      writeSub(frame, writer);
      return writer.done();
    }
    case PacketType.suback: {
      const writer = new Writer(frame.type, 0, sizeOfSuback(frame));
      writeSuback(frame, writer);
      return writer.done();
    }
    case PacketType.event: {
      const writer = new Writer(frame.type, 0, sizeOfEvent(frame));
      writeEvent(frame, writer);
      return writer.done();
    }
  }
}
