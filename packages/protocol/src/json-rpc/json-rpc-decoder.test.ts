/** Rules of the JSON-RPC decoder that no recorded text shows. */
import { describe, expect, test } from "vitest";
import { decodeJsonRpc, type JsonRpcMessage } from "./json-rpc-decoder.ts";
import { JsonRpcErrorCode } from "./json-rpc-error.ts";

function send(params: string): JsonRpcMessage {
  return decodeJsonRpc(`{"method":"send","id":"1","params":${params}}`);
}

function connect(params: string): JsonRpcMessage {
  return decodeJsonRpc(`{"method":"connect","id":"1","params":${params}}`);
}

const { parseError, invalidRequest, methodNotFound, invalidParams } = JsonRpcErrorCode;

describe("what is refused", () => {
  test.each([
    ["a lone surrogate in a uid, which would become another uid", '{"uid":"a\\ud800"}'],
    ["a number above 64 bits", '{"clientTimestamp":1e30}'],
    ["a number above 64 bits where eight are taken", '{"deviceFlag":1e30}'],
    ["a fraction", '{"deviceFlag":1.5}'],
    ["a header of a wrong type", '{"header":1}'],
    ["a header flag of a wrong type", '{"header":{"redDot":1}}'],
    ["params that are no object", "[]"],
  ])("%s", (_, params) => {
    expect(connect(params)).toMatchObject({ kind: "failure", id: "1", code: invalidParams });
  });

  test.each([
    ["a negative expire", '{"expire":-1}'],
    ["an expire above 32 bits", '{"expire":4294967296}'],
    ["bytes that are no bytes", '{"payload":[256]}'],
    ["bytes of another type", '{"payload":["a"]}'],
    ["a payload that is a number", '{"payload":1}'],
    ["base64 with something behind the padding", '{"payload":"YQ==YQ=="}'],
    ["a setting of a wrong type", '{"setting":{"topic":"yes"}}'],
  ])("%s", (_, params) => {
    expect(send(params)).toMatchObject({ kind: "failure", id: "1", code: invalidParams });
  });

  test.each([
    ["bytes that are no UTF-8", undefined, parseError],
    ["an empty text", "", parseError],
    ["a number", "1", invalidRequest],
    ["null", "null", invalidRequest],
    ["a method of a wrong type", '{"method":1,"id":"1"}', invalidRequest],
    ["a jsonrpc of a wrong type", '{"jsonrpc":2,"method":"ping","id":"1"}', invalidRequest],
    ["an id with a lone surrogate", '{"method":"ping","id":"\\ud800"}', invalidRequest],
    ["a method in another case", '{"method":"PING","id":"1"}', methodNotFound],
  ])("%s", (_, text, code) => {
    expect(decodeJsonRpc(text)).toMatchObject({ kind: "failure", code });
  });

  test("a long unknown method is not repeated in full", () => {
    const answer = decodeJsonRpc(JSON.stringify({ method: "x".repeat(100_000), id: "1" }));
    expect(answer.kind === "failure" && answer.message.length < 200).toBe(true);
  });

  test("a text nested a million deep", () => {
    expect(decodeJsonRpc(`${'{"a":'.repeat(1_000_000)}1`)).toMatchObject({ kind: "failure", code: parseError });
  });
});

describe("what is taken", () => {
  test("members named __proto__ or constructor are only unknown members", () => {
    const text = '{"__proto__":{"method":"connect"},"constructor":1,"method":"ping","id":"1"}';
    expect(decodeJsonRpc(text)).toEqual({ kind: "request", id: "1", frame: { type: 7 } });
  });

  test("null for every field is its zero value", () => {
    const message = send(
      '{"header":null,"setting":null,"payload":[null,1],"expire":null,"topic":null,"channelId":null}',
    );
    expect(message).toMatchObject({
      kind: "request",
      frame: { flags: 0, setting: 0, expire: 0, topic: "", channelId: "", payload: Uint8Array.of(0, 1) },
    });
  });

  test("line breaks inside base64, as in the original", () => {
    expect(send('{"payload":"YW\\r\\nI="}')).toMatchObject({ frame: { payload: Uint8Array.of(0x61, 0x62) } });
  });

  test("numbers that are cut to eight bits, also negative ones", () => {
    expect(send('{"channelType":-1}')).toMatchObject({ frame: { channelType: 255 } });
    expect(connect('{"deviceFlag":355,"version":0}')).toMatchObject({ frame: { deviceFlag: 99, version: 5 } });
  });

  test("an empty id is an id", () => {
    expect(decodeJsonRpc('{"method":"ping","id":""}')).toEqual({ kind: "request", id: "", frame: { type: 7 } });
  });

  test("jsonrpc may be null or empty", () => {
    expect(decodeJsonRpc('{"jsonrpc":null,"method":"ping","id":"1"}').kind).toBe("request");
    expect(decodeJsonRpc('{"jsonrpc":"","method":"ping","id":"1"}').kind).toBe("request");
  });
});
