/**
 * JSON-RPC texts made from the grammar of the messages, each member right, wrong, null or missing, cut anywhere: every
 * message gets exactly the answer that it must get, and the connection goes on.
 *
 * WK_GRAMMAR_RUNS=100000 for a long run; a failure prints the seed and the smallest messages that show it.
 */
import { JsonRpcErrorCode, JsonSplitter, jsonText } from "@wukong-ts/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { startBench } from "./test-kit.ts";

const RUNS = Number(process.env["WK_GRAMMAR_RUNS"] ?? 1000);
const { parseError, invalidRequest, methodNotFound, invalidParams } = JsonRpcErrorCode;

/** A member's value, undefined for a missing one, and whether it may be so. */
interface Piece {
  readonly value: unknown;
  readonly isGood: boolean;
}

interface Message {
  readonly text: string;
  /** The code of an error, "result" for a success, undefined where nothing is said. */
  readonly answer: number | "result" | undefined;
  /** As the answer shows it. */
  readonly id: string | undefined;
}

function piece(good: fc.Arbitrary<unknown>, bad: fc.Arbitrary<unknown>): fc.Arbitrary<Piece> {
  return fc.oneof(
    { weight: 12, arbitrary: good.map((value) => ({ value, isGood: true })) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null).map((value) => ({ value, isGood: true })) },
    { weight: 1, arbitrary: bad.map((value) => ({ value, isGood: false })) },
  );
}

const anyText = fc.string({ unit: "binary", maxLength: 20 });
const noText = fc.constantFrom<unknown>(1, true, [], {}, "a\ud800");
const text = piece(anyText, noText);
const flag = piece(fc.boolean(), fc.constantFrom<unknown>(1, "yes", [], {}));
const uint8 = piece(fc.integer({ min: -1000, max: 1000 }), fc.constantFrom<unknown>(1.5, "1", true, 1e30, []));
const uint32 = piece(fc.nat({ max: 0xffff_ffff }), fc.constantFrom<unknown>(-1, 2 ** 32, 0.5, "1", {}));
const bytes = piece(
  fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value).toString("base64")),
    fc.array(fc.nat({ max: 255 }), { maxLength: 20 }),
  ),
  fc.constantFrom<unknown>(1, true, "YQ", "_-==", [256], ["a"], {}),
);

function object(members: Readonly<Record<string, fc.Arbitrary<Piece>>>): fc.Arbitrary<Piece> {
  return fc.record(members).map((pieces) => ({
    value: Object.fromEntries(Object.entries(pieces).map(([name, { value }]) => [name, value])),
    isGood: Object.values(pieces).every(({ isGood }) => isGood),
  }));
}

/** The members themselves, or something that is no object. */
function nested(members: Readonly<Record<string, fc.Arbitrary<Piece>>>): fc.Arbitrary<Piece> {
  const noObject = fc.constantFrom<unknown>(1, "{}", true, []).map((value) => ({ value, isGood: false }));
  return fc.oneof({ weight: 12, arbitrary: object(members) }, { weight: 1, arbitrary: noObject });
}

const header = nested({ noPersist: flag, redDot: flag, syncOnce: flag, dup: flag });
const params = {
  send: nested({
    header,
    setting: nested({ receipt: flag, signal: flag, stream: flag, topic: flag }),
    msgKey: text,
    expire: uint32,
    clientMsgNo: text,
    streamNo: text,
    channelId: text,
    channelType: uint8,
    topic: text,
    payload: bytes,
  }),
  recvack: nested({ header, messageId: text, messageSeq: uint32 }),
  connect: nested({ header, version: uint8, deviceFlag: uint8, deviceId: text, uid: text, token: text }),
};

const call = fc.oneof(
  fc.record({ method: fc.constant<unknown>("send"), params: params.send }),
  fc.record({ method: fc.constant<unknown>("recvack"), params: params.recvack }),
  fc.record({ method: fc.constant<unknown>("connect"), params: params.connect }),
  fc.record({
    method: fc.constantFrom<unknown>("ping", "subscribe", "PING", "", undefined, 1, {}, "constructor"),
    params: piece(fc.dictionary(anyText, fc.jsonValue()), fc.constantFrom<unknown>(1, [])),
  }),
);

const whole = fc
  .record({
    jsonrpc: piece(fc.constantFrom("2.0", ""), fc.constantFrom<unknown>("1.0", 2, {})),
    call,
    hasParams: fc.nat({ max: 15 }).map((number) => number > 0),
    id: piece(anyText, fc.constantFrom<unknown>(1, {}, "\udc00")),
    more: fc.dictionary(
      anyText.map((name) => `x${name}`),
      fc.jsonValue(),
      { maxKeys: 2 },
    ),
  })
  .map(({ jsonrpc, call: { method, params: given }, hasParams, id, more }): Message => {
    const readable = typeof id.value === "string" && id.isGood ? id.value : undefined;
    const shown = {
      ...more,
      jsonrpc: jsonrpc.value,
      method,
      id: id.value,
      params: hasParams ? given.value : undefined,
    };
    const isRequest = id.value !== undefined;
    const areParamsGood = hasParams && given.isGood;
    return {
      text: JSON.stringify(shown),
      // An empty id is left out of the answer.
      id: readable === "" ? undefined : readable,
      answer: ((): Message["answer"] => {
        if (!jsonrpc.isGood || typeof method !== "string" || method === "") return invalidRequest;
        if (!isRequest) {
          if (method !== "recvack") return methodNotFound;
          return areParamsGood ? undefined : invalidParams;
        }
        if (readable === undefined) return invalidRequest;
        if (method === "ping") return "result";
        if (method !== "send" && method !== "connect") return methodNotFound;
        if (!areParamsGood) return invalidParams;
        // The session is connected already.
        return method === "send" ? "result" : invalidRequest;
      })(),
    };
  });

const broken = fc
  .constantFrom<readonly [string, number]>(
    ['{"method":ping}', parseError],
    ["{]", parseError],
    ['{"a":"\\x"}', parseError],
    ['[{"method":"ping","id":"1"}]', invalidRequest],
    ["[]", invalidRequest],
    ["{}", invalidRequest],
  )
  .map(([broken, answer]): Message => ({ text: broken, answer, id: undefined }));

const messages = fc.array(
  fc.record({
    message: fc.oneof({ weight: 10, arbitrary: whole }, { weight: 1, arbitrary: broken }),
    behind: fc.constantFrom("", " ", "\n", "\r\n\t"),
  }),
  { minLength: 1, maxLength: 8 },
);

interface Answer {
  readonly id?: string;
  readonly error?: { readonly code: number };
}

test(`each of the messages of ${RUNS} texts made from the grammar is answered as it must be`, async () => {
  const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 400 }));
  await fc.assert(
    fc.asyncProperty(messages, cuts, async (said, sizes) => {
      const bench = await startBench();
      bench.sending.answersAtOnce = () => ({ reason: 1, id: { high: 1, low: 1 }, seq: 1, repeated: false });
      const socket = bench.open({ transport: "tcp" });
      socket.receive(Buffer.from('{"method":"connect","id":"c","params":{"uid":"ann"}}'));
      bench.time.settle();
      socket.writes.length = 0;

      const bytes = Buffer.from(said.map(({ message, behind }) => message.text + behind).join(""));
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value ?? bytes.length;
        socket.receive(bytes.subarray(at, at + size));
        at += size;
      }
      bench.time.settle();

      const splitter = new JsonSplitter({ textBytesMax: 1 << 20 });
      for (const buffers of socket.writes) for (const buffer of buffers) splitter.push(buffer);
      const heard: string[] = [];
      for (let next = splitter.next(); next !== undefined; next = splitter.next()) {
        const { id, error } = JSON.parse(jsonText(next) ?? "") as Answer;
        heard.push(`${id} ${error?.code ?? "result"}`);
      }
      const expected = said.filter(({ message }) => message.answer !== undefined);
      expect(heard.sort()).toEqual(expected.map(({ message }) => `${message.id} ${message.answer}`).sort());
      expect(socket.closing).toBeUndefined();
      expect(bench.failures).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
