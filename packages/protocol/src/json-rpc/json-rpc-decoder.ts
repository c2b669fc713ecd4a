/**
 * What a client says in JSON-RPC, as the same frames that the binary protocol knows. Never throws: a text that is no
 * acceptable message becomes the error to answer it with.
 */
import { HeaderFlag, Setting } from "../flags.ts";
import type { Connect } from "../frames/connect.ts";
import type { Disconnect } from "../frames/disconnect.ts";
import type { Ping } from "../frames/ping-pong.ts";
import type { Recvack } from "../frames/recvack.ts";
import type { Send } from "../frames/send.ts";
import { int64FromText } from "../int64.ts";
import { LATEST_VERSION, PacketType } from "../packet-type.ts";
import { JsonRpcErrorCode, JsonRpcProblem } from "./json-rpc-error.ts";
import { Members } from "./members.ts";

export type JsonRpcMessage =
  /** `id` may be empty; the answer then has none. `send` without a message number has the empty one. */
  | { readonly kind: "request"; readonly id: string; readonly frame: Connect | Send | Ping | Disconnect }
  | { readonly kind: "notification"; readonly frame: Recvack | Disconnect }
  | JsonRpcFailure;

export interface JsonRpcFailure {
  readonly kind: "failure";
  /** Of the message, if one could be read. */
  readonly id: string | undefined;
  readonly code: JsonRpcErrorCode;
  readonly message: string;
}

const METHOD_SHOWN_MAX = 64;

/** `text` is one message; undefined stands for bytes that are no UTF-8. */
export function decodeJsonRpc(text: string | undefined): JsonRpcMessage {
  let id: string | undefined;
  try {
    const members = new Members(parseObject(text), "message");
    const rawId = members.raw("id");
    if (typeof rawId === "string" && rawId.isWellFormed()) id = rawId;
    return decodeMessage(members, rawId, id);
  } catch (error) {
    if (error instanceof JsonRpcProblem) return { kind: "failure", id, code: error.code, message: error.message };
    throw error;
  }
}

function parseObject(text: string | undefined): object {
  if (text === undefined) throw new JsonRpcProblem(JsonRpcErrorCode.parseError, "the message is not valid UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonRpcProblem(JsonRpcErrorCode.parseError, "the message is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidRequest("the message must be one object");
  }
  return value;
}

function decodeMessage(members: Members, rawId: unknown, id: string | undefined): JsonRpcMessage {
  const version = members.raw("jsonrpc") ?? "";
  if (version !== "" && version !== "2.0") throw invalidRequest('jsonrpc must be "2.0"');
  const method = members.raw("method") ?? "";
  if (typeof method !== "string") throw invalidRequest("method must be a string");
  if (method === "") {
    const isResponse = id !== undefined && (members.raw("result") ?? members.raw("error") ?? null) !== null;
    throw invalidRequest(isResponse ? "responses are not expected from a client" : "the message has no method");
  }
  if (rawId === undefined) return { kind: "notification", frame: decodeNotification(method, members) };
  if (id === undefined) throw invalidRequest("id must be a string");
  return { kind: "request", id, frame: decodeRequest(method, members) };
}

function decodeRequest(method: string, members: Members): Connect | Send | Ping | Disconnect {
  switch (method) {
    case "connect":
      return decodeConnect(paramsOf(method, members));
    case "send":
      return decodeSend(paramsOf(method, members));
    case "ping":
      return { type: PacketType.ping };
    case "disconnect":
      return decodeDisconnect(paramsOf(method, members));
    default:
      throw new JsonRpcProblem(JsonRpcErrorCode.methodNotFound, `unknown method: ${shortened(method)}`);
  }
}

function decodeNotification(method: string, members: Members): Recvack | Disconnect {
  switch (method) {
    case "recvack":
      return decodeRecvack(paramsOf(method, members));
    case "disconnect":
      return decodeDisconnect(paramsOf(method, members));
    default:
      throw new JsonRpcProblem(JsonRpcErrorCode.methodNotFound, `unknown notification: ${shortened(method)}`);
  }
}

/** They may be null, but not missing. */
function paramsOf(method: string, members: Members): Members {
  if (members.raw("params") === undefined) {
    throw new JsonRpcProblem(JsonRpcErrorCode.invalidParams, `${method} needs params`);
  }
  return members.object("params");
}

function decodeConnect(params: Members): Connect {
  decodeHeader(params.object("header")); // checked, but CONNECT has no flags
  return {
    type: PacketType.connect,
    version: params.uint8("version") || LATEST_VERSION,
    deviceFlag: params.uint8("deviceFlag"),
    deviceId: params.string("deviceId"),
    uid: params.string("uid"),
    token: params.string("token"),
    clientTimestamp: params.int64("clientTimestamp"),
    clientKey: params.string("clientKey"),
  };
}

function decodeSend(params: Members): Send {
  const streamNo = params.string("streamNo");
  return {
    type: PacketType.send,
    flags: decodeHeader(params.object("header")),
    setting: decodeSetting(params.object("setting")),
    clientSeq: 0,
    clientMsgNo: params.string("clientMsgNo"),
    ...(streamNo === "" ? {} : { streamNo }),
    channelId: params.string("channelId"),
    channelType: params.uint8("channelType"),
    expire: params.uint32("expire"),
    msgKey: params.string("msgKey"),
    topic: params.string("topic"),
    payload: params.bytes("payload"),
  };
}

function decodeRecvack(params: Members): Recvack {
  return {
    type: PacketType.recvack,
    flags: decodeHeader(params.object("header")),
    // Something that is no number acknowledges nothing.
    messageId: int64FromText(params.string("messageId")) ?? { high: 0, low: 0 },
    messageSeq: params.uint32("messageSeq"),
  };
}

function decodeDisconnect(params: Members): Disconnect {
  return { type: PacketType.disconnect, reason: params.uint8("reasonCode"), text: params.string("reason") };
}

function decodeHeader(header: Members): number {
  return (
    (header.boolean("noPersist") ? HeaderFlag.noPersist : 0) |
    (header.boolean("redDot") ? HeaderFlag.redDot : 0) |
    (header.boolean("syncOnce") ? HeaderFlag.syncOnce : 0) |
    (header.boolean("dup") ? HeaderFlag.dup : 0)
  );
}

function decodeSetting(setting: Members): number {
  return (
    (setting.boolean("receipt") ? Setting.receipt : 0) |
    (setting.boolean("signal") ? Setting.signal : 0) |
    (setting.boolean("stream") ? Setting.stream : 0) |
    (setting.boolean("topic") ? Setting.topic : 0)
  );
}

/** An answer does not repeat a megabyte of the question. */
function shortened(method: string): string {
  return method.slice(0, METHOD_SHOWN_MAX);
}

function invalidRequest(message: string): JsonRpcProblem {
  return new JsonRpcProblem(JsonRpcErrorCode.invalidRequest, message);
}
