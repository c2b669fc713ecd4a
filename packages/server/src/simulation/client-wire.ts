/** What clients of all generations say and hear: protocol versions 2 to 6, and JSON-RPC. */
import { encodeFrame, FrameDecoder, HeaderFlag, int64ToText, JsonSplitter, jsonText } from "@wukong-ts/protocol";
import type { Sent } from "./sent-messages.ts";

export type Generation = 2 | 3 | 4 | 5 | 6 | "json-rpc";
export const GENERATIONS: readonly Generation[] = [2, 3, 4, 5, 6, "json-rpc"];

export interface Login {
  readonly uid: string;
  readonly deviceId: string;
  readonly deviceFlag: number;
  readonly token: string;
}

export interface HeardMessage {
  readonly type: "message";
  readonly id: string;
  readonly seq: number;
  readonly flags: number;
  readonly fromUid: string;
  readonly channelType: number;
  readonly text: string;
}

export type Heard =
  | { readonly type: "welcome"; readonly reason: number }
  | {
      readonly type: "answer";
      readonly to: number;
      readonly reason: number;
      readonly id: string;
      readonly seq: number;
      /** Only told since version 6. */
      readonly clientMsgNo: string;
    }
  | HeardMessage
  | { readonly type: "goodbye"; readonly reason: number };

export interface ClientWire {
  push(chunk: Uint8Array): void;
  next(): Heard | undefined;
  connect(login: Login): Uint8Array;
  /** `to` comes back with the answer. */
  send(to: number, sent: Sent, channelId: string): Uint8Array;
  received(message: HeardMessage): Uint8Array;
}

export function createClientWire(generation: Generation): ClientWire {
  return generation === "json-rpc" ? new JsonClientWire() : new BinaryClientWire(generation);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class BinaryClientWire implements ClientWire {
  readonly #version: number;
  readonly #decoder: FrameDecoder;

  constructor(version: number) {
    this.#version = version;
    this.#decoder = new FrameDecoder({ version });
  }

  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
  }

  next(): Heard | undefined {
    const frame = this.#decoder.next();
    switch (frame?.type) {
      case undefined:
        return undefined;
      case 2:
        return { type: "welcome", reason: frame.reason };
      case 4:
        return {
          type: "answer",
          to: frame.clientSeq,
          reason: frame.reason,
          id: int64ToText(frame.messageId),
          seq: frame.messageSeq,
          clientMsgNo: frame.clientMsgNo ?? "",
        };
      case 5:
        return {
          type: "message",
          id: int64ToText(frame.messageId),
          seq: frame.messageSeq,
          flags: frame.flags,
          fromUid: frame.fromUid,
          channelType: frame.channelType,
          text: decoder.decode(frame.payload),
        };
      case 9:
        return { type: "goodbye", reason: frame.reason };
      default:
        throw new Error(`a client does not expect packet ${frame?.type}`);
    }
  }

  connect(login: Login): Uint8Array {
    const frame = { type: 1, version: this.#version, ...login, clientTimestamp: 0n, clientKey: "" } as const;
    return encodeFrame(frame, this.#version);
  }

  send(to: number, sent: Sent, channelId: string): Uint8Array {
    const frame = {
      type: 3,
      flags: flagsOf(sent),
      setting: 0,
      clientSeq: to,
      clientMsgNo: sent.no,
      channelId,
      channelType: sent.chat.type,
      expire: 0,
      msgKey: "",
      topic: "",
      payload: encoder.encode(sent.no),
    } as const;
    return encodeFrame(frame, this.#version);
  }

  received(message: HeardMessage): Uint8Array {
    const { flags, seq } = message;
    const id = BigInt(message.id);
    const messageId = { high: Number(id >> 32n), low: Number(BigInt.asIntN(32, id)) };
    return encodeFrame({ type: 6, flags, messageId, messageSeq: seq }, this.#version);
  }
}

interface JsonHeader {
  readonly noPersist?: boolean;
  readonly redDot?: boolean;
  readonly syncOnce?: boolean;
}

interface JsonMessage {
  readonly id?: string;
  readonly method?: string;
  readonly result?: { readonly reasonCode: number; readonly messageId: string; readonly messageSeq: number };
  readonly error?: { readonly code: number; readonly message: string };
  readonly params?: {
    readonly header?: JsonHeader;
    readonly reasonCode: number;
    readonly messageId: string;
    readonly messageSeq: number;
    readonly fromUid: string;
    readonly channelType: number;
    readonly payload: string;
  };
}

const CONNECT_ID = "connect";

class JsonClientWire implements ClientWire {
  readonly #splitter = new JsonSplitter({ textBytesMax: 1 << 20 });

  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
  }

  next(): Heard | undefined {
    const bytes = this.#splitter.next();
    if (bytes === undefined) return undefined;
    const message = JSON.parse(jsonText(bytes) ?? "") as JsonMessage;
    const { id, result, error, params, method } = message;
    if (id === CONNECT_ID) return { type: "welcome", reason: error?.code ?? result?.reasonCode ?? 0 };
    if (id !== undefined && result !== undefined) {
      const { reasonCode: reason, messageId, messageSeq } = result;
      return { type: "answer", to: Number(id), reason, id: messageId, seq: messageSeq, clientMsgNo: "" };
    }
    if (method === "disconnect" && params !== undefined) return { type: "goodbye", reason: params.reasonCode };
    if (method !== "recv" || params === undefined) throw new Error(`a client does not expect ${jsonText(bytes)}`);
    return {
      type: "message",
      id: params.messageId,
      seq: params.messageSeq,
      flags: bitsOf(params.header ?? {}),
      fromUid: params.fromUid,
      channelType: params.channelType,
      text: atob(params.payload),
    };
  }

  connect(login: Login): Uint8Array {
    return request("connect", CONNECT_ID, login);
  }

  send(to: number, sent: Sent, channelId: string): Uint8Array {
    return request("send", String(to), {
      header: { noPersist: !sent.isPersisted, redDot: sent.isCounted, syncOnce: sent.isCommand },
      clientMsgNo: sent.no,
      channelId,
      channelType: sent.chat.type,
      payload: btoa(sent.no),
    });
  }

  received({ id, seq, flags }: HeardMessage): Uint8Array {
    const header = { syncOnce: (flags & HeaderFlag.syncOnce) !== 0, noPersist: (flags & HeaderFlag.noPersist) !== 0 };
    return encoder.encode(
      JSON.stringify({ jsonrpc: "2.0", method: "recvack", params: { header, messageId: id, messageSeq: seq } }),
    );
  }
}

function request(method: string, id: string, params: unknown): Uint8Array {
  return encoder.encode(JSON.stringify({ jsonrpc: "2.0", method, id, params }));
}

function flagsOf(sent: Sent): number {
  return bitsOf({ noPersist: !sent.isPersisted, redDot: sent.isCounted, syncOnce: sent.isCommand });
}

function bitsOf({ noPersist, redDot, syncOnce }: JsonHeader): number {
  return (
    (noPersist === true ? HeaderFlag.noPersist : 0) |
    (redDot === true ? HeaderFlag.redDot : 0) |
    (syncOnce === true ? HeaderFlag.syncOnce : 0)
  );
}
