import { describe, expect, test } from "vitest";
import type { HttpAnswer } from "../world/world.ts";
import { eitherOf, shape, statusOf } from "./answer-schema.ts";
import { bare, failure, ok, plainText } from "./answers.ts";
import { type ApiRoute, route } from "./api-route.ts";
import { BYTES, INT, INT64, object, text, UINT8, UINT32, UINT64 } from "./json-schema.ts";
import { jsonText } from "./openapi.ts";
import { answerProblem } from "./test-kit.ts";

const READING = route({
  method: "GET",
  path: "/read/:type",
  tag: "Server",
  summary: "Reads parameters",
  params: { type: UINT8 },
  query: {
    name: text(5),
    type: UINT8,
    seconds: UINT32,
    count: INT,
    id: INT64,
    seq: UINT64,
    flag: { ...INT, default: -1 },
  },
  answers: { 200: {} },
  handle: ({ query, params }) => bare(jsonText({ ...query, of: params.type })),
});

function read(query: Readonly<Record<string, string>>, type = "2"): Promise<HttpAnswer> | HttpAnswer {
  const nothing = { method: "GET", path: "", body: new Uint8Array(0), headers: {}, ip: "" };
  return READING.handle({ ...nothing, query, params: { type } });
}

describe("parameters are read by their description", () => {
  test.each([
    [{}, '{"name":"","type":0,"seconds":0,"count":0,"id":0,"seq":0,"flag":-1,"of":2}'],
    [
      { name: "张", type: "3", seconds: "7", count: "-4", id: "-9223372036854775808", seq: "18446744073709551615" },
      '{"name":"张","type":3,"seconds":7,"count":-4,"id":-9223372036854775808,"seq":18446744073709551615,"flag":-1,"of":2}',
    ],
    [
      { type: "x", seconds: "1.5", count: "1e3", id: "9223372036854775808", seq: "-1" },
      '{"name":"","type":0,"seconds":0,"count":0,"id":0,"seq":0,"flag":-1,"of":2}',
    ],
    [{ flag: "" }, '{"name":"","type":0,"seconds":0,"count":0,"id":0,"seq":0,"flag":-1,"of":2}'],
    [{ flag: "0" }, '{"name":"","type":0,"seconds":0,"count":0,"id":0,"seq":0,"flag":0,"of":2}'],
    [{ flag: "x" }, '{"name":"","type":0,"seconds":0,"count":0,"id":0,"seq":0,"flag":0,"of":2}'],
    [{ type: "257" }, '{"name":"","type":1,"seconds":0,"count":0,"id":0,"seq":0,"flag":-1,"of":2}'],
  ])("%j", async (query, body) => {
    expect(await read(query)).toEqual({ status: 200, body });
  });

  test("a text that is too long is refused with its name", async () => {
    expect(await read({ name: "张三" })).toEqual(failure("name is longer than 5 bytes"));
  });
});

describe("an answer that its route does not describe is found", () => {
  const described: ApiRoute = route({
    method: "POST",
    path: "/x",
    tag: "Server",
    summary: "x",
    body: object("xReq", { payload: BYTES }),
    refusals: ["wrong", "more than … bytes"],
    answers: { 200: eitherOf(shape({ uid: text(), seq: UINT64, topic: text() }, ["topic"]), statusOf(404)) },
    handle: ok,
  });
  const json = (body: string, status = 200): ReturnType<typeof seen> => seen({ status, body });
  const seen = ({ status, body, contentType }: HttpAnswer): Parameters<typeof answerProblem>[1] => ({
    status,
    type: contentType ?? "application/json; charset=utf-8",
    text: String(body),
    json: contentType === undefined ? JSON.parse(String(body)) : undefined,
  });

  test.each([
    ["fits", json('{"uid":"u","seq":1}'), true],
    ["fits with what may be missing", json('{"uid":"u","seq":1,"topic":"t"}'), true],
    ["fits the other shape", json('{"status":404}'), true],
    ["a refusal", seen(failure("wrong")), true],
    ["a refusal with a number", seen(failure("more than 7 bytes")), true],
    ["what reading says", seen(failure("EOF")), true],
    ["another refusal", seen(failure("wrong too")), false],
    ["a common error", seen(failure("later", 503)), true],
    ["a number beyond 2^53", json('{"uid":"u","seq":18446744073709551615}'), true],
    ["a missing field", json('{"uid":"u"}'), false],
    ["an unknown field", json('{"uid":"u","seq":1,"more":1}'), false],
    ["another type", json('{"uid":"u","seq":"1"}'), false],
    ["another value", json('{"status":403}'), false],
    ["another status", json('{"status":404}', 404), false],
    ["text instead of JSON", seen(plainText("nothing", 400)), false],
    ["another content type", { ...json('{"status":404}'), type: "text/plain" }, false],
  ])("%s", (_, answer, isFine) => {
    expect(answerProblem(described, answer) === undefined).toBe(isFine);
  });
});
