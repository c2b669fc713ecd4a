/**
 * JSON-RPC, as one connection speaks it. Requests become the frames of the binary protocol; their ids are kept here until
 * they are answered. SENDs are told apart by a counter of this connection in place of the `clientSeq` that JSON has not.
 * There is no encryption. A bad message costs an error and nothing else; a batch is one bad message.
 */
import {
  type Connack,
  decodeJsonRpc,
  encodeJsonRpcConnack,
  encodeJsonRpcDisconnect,
  encodeJsonRpcError,
  encodeJsonRpcPong,
  encodeJsonRpcSendack,
  type Frame,
  JsonRpcErrorCode,
  JsonSplitter,
  jsonText,
  LATEST_VERSION,
  PacketType,
  Reason,
  type Send,
} from "@wukong-ts/protocol";
import type { SendResult } from "../messaging/send.ts";
import { fits } from "../messaging/valid-ids.ts";
import type { Random } from "../world/world.ts";
import { jsonRecv, type RecvSource } from "./recv-frames.ts";
import type { BadMessage, SendackFor, Wire } from "./wire.ts";

/** A waiting request must not cost more than its message. */
const REQUEST_ID_BYTES_MAX = 1_024;
/** What a string of the binary protocol can hold, so that every receiver can be told. */
const STRING_BYTES_MAX = 32_767;
const CLIENT_MSG_NO_BYTES = 16;

const encoder = new TextEncoder();

export class JsonWire implements Wire {
  readonly isJson = true;
  readonly seqMax: number = Number.MAX_SAFE_INTEGER;
  version: number = LATEST_VERSION;
  frameBytes = 0;
  readonly #splitter: JsonSplitter;
  readonly #random: Random;
  /** Of the message taken last; undefined for a notification. */
  #requestId: string | undefined;
  #sends = 0;
  /** As many as there are unanswered SENDs, which the connection bounds. */
  readonly #sendIds = new Map<number, string>();

  constructor(textBytesMax: number, random: Random) {
    this.#splitter = new JsonSplitter({ textBytesMax });
    this.#random = random;
  }

  get bufferedBytes(): number {
    return this.#splitter.bufferedBytes;
  }

  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
  }

  next(): Frame | BadMessage | undefined {
    this.#requestId = undefined;
    const bytes = this.#splitter.next();
    if (bytes === undefined) return undefined;
    this.frameBytes = bytes.length;
    const message = decodeJsonRpc(jsonText(bytes));
    if (message.kind === "failure") {
      const id = message.id !== undefined && fits(message.id, REQUEST_ID_BYTES_MAX) ? message.id : undefined;
      return bad(id, message.code, message.message);
    }
    if (message.kind === "notification") return message.frame;
    if (!fits(message.id, REQUEST_ID_BYTES_MAX)) {
      return bad(undefined, JsonRpcErrorCode.invalidRequest, `id has more than ${REQUEST_ID_BYTES_MAX} bytes`);
    }
    this.#requestId = message.id;
    return message.frame.type === PacketType.send ? this.#send(message.frame, message.id) : message.frame;
  }

  connack(frame: Connack, text: string): Uint8Array {
    const id = this.#requestId ?? "";
    if (frame.reason === Reason.success) return encoder.encode(encodeJsonRpcConnack(id, frame));
    return encoder.encode(encodeJsonRpcError(id, frame.reason, text));
  }

  pong(): Uint8Array {
    return encoder.encode(encodeJsonRpcPong(this.#requestId ?? ""));
  }

  sendack(to: SendackFor, result: Pick<SendResult, "id" | "seq" | "reason" | "retryAfterMs">): Uint8Array {
    const id = this.#sendIds.get(to.clientSeq) ?? "";
    this.#sendIds.delete(to.clientSeq);
    const { flags, clientSeq } = to;
    const { id: messageId, seq: messageSeq, reason, retryAfterMs } = result;
    return encoder.encode(
      encodeJsonRpcSendack(id, { type: 4, flags, messageId, clientSeq, messageSeq, reason }, retryAfterMs),
    );
  }

  disconnect(reason: number, text: string): Uint8Array {
    return encoder.encode(encodeJsonRpcDisconnect({ type: 9, reason, text }));
  }

  recv(source: RecvSource, receiver: { readonly uid: string }): Uint8Array {
    return jsonRecv(source, receiver.uid);
  }

  refusal(text: string): Uint8Array {
    return encoder.encode(encodeJsonRpcError(this.#requestId, JsonRpcErrorCode.invalidRequest, text));
  }

  #send(frame: Send, id: string): Send | BadMessage {
    if (!fits(frame.topic, STRING_BYTES_MAX)) {
      return bad(id, JsonRpcErrorCode.invalidParams, `topic has more than ${STRING_BYTES_MAX} bytes`);
    }
    this.#sends = (this.#sends + 1) >>> 0;
    this.#sendIds.set(this.#sends, id);
    const clientMsgNo = frame.clientMsgNo === "" ? this.#newClientMsgNo() : frame.clientMsgNo;
    return { ...frame, clientSeq: this.#sends, clientMsgNo };
  }

  #newClientMsgNo(): string {
    return Buffer.from(this.#random.bytes(CLIENT_MSG_NO_BYTES)).toString("hex");
  }
}

function bad(id: string | undefined, code: number, message: string): BadMessage {
  return { type: 0, answer: encoder.encode(encodeJsonRpcError(id, code, message)) };
}
