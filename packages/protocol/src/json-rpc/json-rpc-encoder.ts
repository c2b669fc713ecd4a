/**
 * What the server says in JSON-RPC. The texts are put together by hand, so that 64-bit numbers stay exact; members that
 * the original leaves out at their zero value are left out here. A response has no `id` when the request's was empty,
 * and a notification never has one: clients tell the two apart by it.
 */
import { base64FromBytes } from "../base64.ts";
import { HeaderFlag, Setting, StreamFlag } from "../flags.ts";
import type { Connack } from "../frames/connack.ts";
import type { Disconnect } from "../frames/disconnect.ts";
import type { Event } from "../frames/event.ts";
import type { Recv } from "../frames/recv.ts";
import type { Sendack } from "../frames/sendack.ts";
import { int64ToText } from "../int64.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A success. Failures go out as `encodeJsonRpcError`: clients take any result for a success. */
export function encodeJsonRpcConnack(id: string, frame: Connack): string {
  return response(
    id,
    object([
      number("serverVersion", frame.serverVersion ?? 0),
      text("serverKey", frame.serverKey),
      text("salt", frame.salt),
      number("timeDiff", frame.timeDiff),
      `"reasonCode":${frame.reason}`,
      `"nodeId":${frame.nodeId ?? 0n}`,
    ]),
  );
}

/** Refusals are results too, with their reason. */
/** `retryAfterMs`: of a refusal that passes; only in JSON is there room for it. */
export function encodeJsonRpcSendack(id: string, frame: Sendack, retryAfterMs?: number): string {
  return response(
    id,
    object([
      header(frame.flags, false),
      `"messageId":"${int64ToText(frame.messageId)}"`,
      `"messageSeq":${frame.messageSeq}`,
      `"reasonCode":${frame.reason}`,
      ...(retryAfterMs === undefined ? [] : [`"retryAfterMs":${retryAfterMs}`]),
    ]),
  );
}

export function encodeJsonRpcPong(id: string): string {
  return object(['"jsonrpc":"2.0"', text("id", id)]);
}

/** The payload in clear: a JSON-RPC connection has no keys. */
export function encodeJsonRpcRecv(frame: Recv): string {
  const streamFlag = frame.streamFlag ?? StreamFlag.start;
  return notification(
    "recv",
    object([
      header(frame.flags, streamFlag === StreamFlag.end),
      setting(frame.setting),
      text("msgKey", frame.msgKey),
      number("expire", frame.expire),
      `"messageId":"${int64ToText(frame.messageId)}"`,
      `"messageSeq":${frame.messageSeq}`,
      text("clientMsgNo", frame.clientMsgNo),
      text("streamNo", frame.streamNo ?? ""),
      frame.streamId === undefined ? "" : `"streamId":"${int64ToText(frame.streamId)}"`,
      number("streamFlag", streamFlag),
      `"timestamp":${frame.timestamp}`,
      `"channelId":${JSON.stringify(frame.channelId)}`,
      `"channelType":${frame.channelType}`,
      text("topic", frame.topic),
      `"fromUid":${JSON.stringify(frame.fromUid)}`,
      `"payload":"${base64FromBytes(frame.payload)}"`,
    ]),
  );
}

export function encodeJsonRpcDisconnect(frame: Disconnect): string {
  return notification("disconnect", object([`"reasonCode":${frame.reason}`, text("reason", frame.text)]));
}

/** `data` goes out as a string that holds JSON text. */
export function encodeJsonRpcEvent(frame: Event): string {
  return notification(
    "event",
    object([
      `"id":${JSON.stringify(frame.id)}`,
      `"type":${JSON.stringify(frame.eventType)}`,
      `"timestamp":${frame.timestamp}`,
      `"data":${JSON.stringify(decoder.decode(frame.data))}`,
    ]),
  );
}

/** `id` is undefined when the message's could not be read. */
export function encodeJsonRpcError(id: string | undefined, code: number, message: string): string {
  return object([
    '"jsonrpc":"2.0"',
    text("id", id ?? ""),
    `"error":${object([`"code":${code}`, `"message":${JSON.stringify(message)}`])}`,
  ]);
}

function response(id: string, result: string): string {
  return object(['"jsonrpc":"2.0"', text("id", id), `"result":${result}`]);
}

function notification(method: string, params: string): string {
  return `{"jsonrpc":"2.0","method":"${method}","params":${params}}`;
}

/** Empty members are those that were left out. */
function object(members: readonly string[]): string {
  return `{${members.filter((member) => member !== "").join(",")}}`;
}

function text(name: string, value: string): string {
  return value === "" ? "" : `"${name}":${JSON.stringify(value)}`;
}

function number(name: string, value: number | bigint): string {
  return value === 0 || value === 0n ? "" : `"${name}":${value}`;
}

function flag(name: string, isSet: boolean): string {
  return isSet ? `"${name}":true` : "";
}

function header(flags: number, end: boolean): string {
  if ((flags & 0x0f) === 0 && !end) return "";
  return `"header":${object([
    flag("noPersist", (flags & HeaderFlag.noPersist) !== 0),
    flag("redDot", (flags & HeaderFlag.redDot) !== 0),
    flag("syncOnce", (flags & HeaderFlag.syncOnce) !== 0),
    flag("dup", (flags & HeaderFlag.dup) !== 0),
    flag("end", end),
  ])}`;
}

function setting(bits: number): string {
  if (bits === 0) return "";
  return `"setting":${object([
    flag("receipt", (bits & Setting.receipt) !== 0),
    flag("signal", (bits & Setting.signal) !== 0),
    flag("stream", (bits & Setting.stream) !== 0),
    flag("topic", (bits & Setting.topic) !== 0),
  ])}`;
}
