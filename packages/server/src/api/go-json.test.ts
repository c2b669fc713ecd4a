import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeGoJson } from "./go-json.ts";
import { GoJsonError } from "./go-syntax.ts";
import { array, BOOL, BYTES, INT, INT64, object, text, UID, UINT8, UINT32, UINT64 } from "./json-schema.ts";

const BODY = object("testReq", {
  uid: UID,
  flag: UINT8,
  expire: UINT32,
  limit: INT,
  message_id: INT64,
  start_seq: UINT64,
  payload: BYTES,
  uids: array(UID),
  header: object("MessageHeader", { red_dot: INT, sync_once: INT }),
  channels: array(object("channelReq", { channel_id: text(), channel_type: UINT8 })),
});

const ZERO = {
  uid: "",
  flag: 0,
  expire: 0,
  limit: 0,
  message_id: 0n,
  start_seq: 0n,
  payload: new Uint8Array(0),
  uids: null,
  header: { red_dot: 0, sync_once: 0 },
  channels: null,
};

function decode(json: string | Uint8Array): unknown {
  return decodeGoJson(typeof json === "string" ? Buffer.from(json) : json, BODY);
}

function errorOf(json: string | Uint8Array): string {
  try {
    decode(json);
  } catch (error) {
    if (error instanceof GoJsonError) return error.message;
    throw error;
  }
  return "none";
}

describe("values", () => {
  test.each([
    ["{}", {}],
    ["null", {}],
    ['{"uid":null,"flag":null,"payload":null,"uids":null,"header":null,"channels":null}', {}],
    ['{"uid":"u1","flag":255,"expire":4294967295,"limit":-7}', { uid: "u1", flag: 255, expire: 4294967295, limit: -7 }],
    ['{"message_id":9223372036854775807}', { message_id: 9223372036854775807n }],
    ['{"message_id":-9223372036854775808}', { message_id: -9223372036854775808n }],
    ['{"start_seq":18446744073709551615}', { start_seq: 18446744073709551615n }],
    ['{"limit":-0}', { limit: 0 }],
    ['{"uids":[]}', { uids: [] }],
    ['{"uids":["a",null,"b"]}', { uids: ["a", "", "b"] }],
    ['{"header":{"red_dot":1}}', { header: { red_dot: 1, sync_once: 0 } }],
    [
      '{"channels":[{"channel_id":"g","channel_type":2},{}]}',
      {
        channels: [
          { channel_id: "g", channel_type: 2 },
          { channel_id: "", channel_type: 0 },
        ],
      },
    ],
    ['{"uid":"\\u5f20\\u4e09\\ud83d\\ude00\\n\\"\\/"}', { uid: '张三😀\n"/' }],
    ['{"uid":"a\\u0000b"}', { uid: "a\0b" }],
  ])("%s", (json, expected) => {
    expect(decode(json)).toEqual({ ...ZERO, ...expected });
  });

  test("keys match in any case, escaped or not, also with the letters that fold to ASCII", () => {
    expect(decode('{"UID":"u","FLAG":1}')).toEqual({ ...ZERO, uid: "u", flag: 1 });
    expect(decode('{"\\u0075id":"u"}')).toEqual({ ...ZERO, uid: "u" });
    expect(decode('{"UIDſ":["y"]}')).toEqual({ ...ZERO, uids: ["y"] });
  });

  test("unknown keys are passed over, however deep", () => {
    const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
    expect(decode(`{"x":{"uid":"no","y":[1,2,{"z":"\\ud800"}]},"d":${deep},"uid":"u"}`)).toEqual({ ...ZERO, uid: "u" });
  });

  test("a later key overwrites, a later null does not, and a nested object is filled up", () => {
    expect(decode('{"uid":"a","uid":"b"}')).toEqual({ ...ZERO, uid: "b" });
    expect(decode('{"uid":"a","uid":null}')).toEqual({ ...ZERO, uid: "a" });
    expect(decode('{"uids":["a"],"uids":null}')).toEqual(ZERO);
    expect(decode('{"header":{"red_dot":1},"header":{"sync_once":1}}')).toEqual({
      ...ZERO,
      header: { red_dot: 1, sync_once: 1 },
    });
  });

  test("only the first value of the text is read", () => {
    expect(decode(' \n{"uid":"a"} trailing')).toEqual({ ...ZERO, uid: "a" });
    expect(decode('{"uid":"a"}{"uid":"b"}')).toEqual({ ...ZERO, uid: "a" });
    expect(decodeGoJson(Buffer.from("5x"), INT)).toBe(5);
  });

  test("no key reaches a prototype", () => {
    expect(decode('{"__proto__":{"uid":"x"},"constructor":5,"uid":"a"}')).toEqual({ ...ZERO, uid: "a" });
    expect(({} as Record<string, unknown>)["uid"]).toBeUndefined();
  });

  test("two bodies share no zero value", () => {
    const first = decodeGoJson(Buffer.from("{}"), BODY);
    expect(decodeGoJson(Buffer.from('{"header":{"red_dot":1}}'), BODY).header).not.toBe(first.header);
    expect(first.header.red_dot).toBe(0);
  });
});

test("a boolean is true or false and nothing else; missing or null it is false", () => {
  const type = object("boolReq", { large: BOOL });
  const largeOf = (json: string): boolean => decodeGoJson(Buffer.from(json), type).large;
  expect([largeOf('{"large":true}'), largeOf('{"large":false}'), largeOf("{}"), largeOf('{"large":null}')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  for (const [value, kind] of [
    ["1", "number"],
    ['"true"', "string"],
    ["[]", "array"],
  ])
    expect(() => largeOf(`{"large":${value}}`)).toThrow(
      `json: cannot unmarshal ${kind} into Go struct field boolReq.large of type bool`,
    );
});

describe("base64", () => {
  test.each([
    ["aGk=", "hi"],
    ["aGVs\\nbG8=", "hello"],
    ["aG\\r\\nk=", "hi"],
    ["", ""],
  ])("%s is %s", (base64, expected) => {
    const { payload } = decodeGoJson(Buffer.from(`{"payload":"${base64}"}`), BODY);
    expect(Buffer.from(payload).toString()).toBe(expected);
  });

  test.each(["***", "eA", "e", "_-8=", "a===", "=aaa", "aa=a", "aGk=aGk=", "a G k="])("%s is refused", (base64) => {
    expect(errorOf(`{"payload":"${base64}"}`)).toMatch(/^illegal base64 data at input byte [0-9]+$/);
  });
});

describe("errors in Go's words", () => {
  test.each([
    ["", "EOF"],
    [" \n ", "EOF"],
    ["{", "unexpected EOF"],
    ['{"uid', "unexpected EOF"],
    ['{"uid"', "unexpected EOF"],
    ['{"uid":', "unexpected EOF"],
    ['{"uid":"a', "unexpected EOF"],
    ['{"uid":"a\\', "unexpected EOF"],
    ['{"uid":"a\\u12', "unexpected EOF"],
    ['{"uid":"a"', "unexpected EOF"],
    ['{"uids":["a"', "unexpected EOF"],
    ['{"flag":tru', "unexpected EOF"],
    ['{"limit":-', "unexpected EOF"],
    ['{"limit":1.', "unexpected EOF"],
    ['{"limit":1e+', "unexpected EOF"],
    ["not json", "invalid character 'o' in literal null (expecting 'u')"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["\ufeff{}", "invalid character 'ï' looking for beginning of value"],
    ["张", "invalid character 'å' looking for beginning of value"],
    ["'", "invalid character '\\'' looking for beginning of value"],
    ["\u0001", "invalid character '\\x01' looking for beginning of value"],
    ["{5}", "invalid character '5' looking for beginning of object key string"],
    ['{"a" 5}', "invalid character '5' after object key"],
    ['{"a":5 "b"}', "invalid character '\"' after object key:value pair"],
    ['{"a":01}', "invalid character '1' after object key:value pair"],
    ['{"a":5,}', "invalid character '}' looking for beginning of object key string"],
    ['{"uids":["a" "b"]}', "invalid character '\"' after array element"],
    ['{"uids":["a",]}', "invalid character ']' looking for beginning of value"],
    ['{"uid":"a\nb"}', "invalid character '\\n' in string literal"],
    ['{"uid":"\\x"}', "invalid character 'x' in string escape code"],
    ['{"uid":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"],
    ['{"limit":-x}', "invalid character 'x' in numeric literal"],
    ['{"limit":1.x}', "invalid character 'x' after decimal point in numeric literal"],
    ['{"limit":1ex}', "invalid character 'x' in exponent of numeric literal"],
    ["[]", "json: cannot unmarshal array into Go value of type api.testReq"],
    ["5", "json: cannot unmarshal number into Go value of type api.testReq"],
    ['"x"', "json: cannot unmarshal string into Go value of type api.testReq"],
    ['{"uid":5}', "json: cannot unmarshal number into Go struct field testReq.uid of type string"],
    ['{"uid":["a"]}', "json: cannot unmarshal array into Go struct field testReq.uid of type string"],
    ['{"flag":"1"}', "json: cannot unmarshal string into Go struct field testReq.flag of type uint8"],
    ['{"flag":256}', "json: cannot unmarshal number 256 into Go struct field testReq.flag of type uint8"],
    ['{"flag":-1}', "json: cannot unmarshal number -1 into Go struct field testReq.flag of type uint8"],
    ['{"flag":-0}', "json: cannot unmarshal number -0 into Go struct field testReq.flag of type uint8"],
    ['{"flag":1.0}', "json: cannot unmarshal number 1.0 into Go struct field testReq.flag of type uint8"],
    ['{"limit":1e3}', "json: cannot unmarshal number 1e3 into Go struct field testReq.limit of type int"],
    [
      '{"limit":9223372036854775808}',
      "json: cannot unmarshal number 9223372036854775808 into Go struct field testReq.limit of type int",
    ],
    [
      '{"message_id":9223372036854775808}',
      "json: cannot unmarshal number 9223372036854775808 into Go struct field testReq.message_id of type int64",
    ],
    [
      '{"header":{"red_dot":true}}',
      "json: cannot unmarshal bool into Go struct field MessageHeader.header.red_dot of type int",
    ],
    ['{"header":[]}', "json: cannot unmarshal array into Go struct field testReq.header of type api.MessageHeader"],
    ['{"uids":"x"}', "json: cannot unmarshal string into Go struct field testReq.uids of type []string"],
    ['{"uids":[5]}', "json: cannot unmarshal number into Go struct field testReq.uids of type string"],
    ['{"payload":5}', "json: cannot unmarshal number into Go struct field testReq.payload of type []uint8"],
    ['{"channels":{}}', "json: cannot unmarshal object into Go struct field testReq.channels of type []api.channelReq"],
  ])("%j: %s", (json, expected) => {
    expect(errorOf(json)).toBe(expected);
  });

  test("an error of syntax later in the text counts more than a value that does not fit", () => {
    expect(errorOf('{"uid":5,"flag":}')).toBe("invalid character '}' looking for beginning of value");
  });

  test("of several values that do not fit, the first is named", () => {
    expect(errorOf('{"uid":5,"flag":"x"}')).toContain("testReq.uid");
  });
});

describe("what would turn two ids into one is refused", () => {
  test("bytes that are not UTF-8", () => {
    expect(errorOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBe("the body is not valid UTF-8");
  });

  test.each(["\\ud800", "\\udc00x", "\\ud83dx", "x\\ude00\\ud83d"])("half a surrogate pair: %s", (escaped) => {
    expect(errorOf(`{"uid":"${escaped}"}`)).toBe("uid holds half of a surrogate pair");
  });
});

describe("bounds", () => {
  test("a text is bounded in bytes, not in characters", () => {
    expect(errorOf(`{"uid":"${"a".repeat(255)}"}`)).toBe("none");
    expect(errorOf(`{"uid":"${"a".repeat(256)}"}`)).toBe("uid is longer than 255 bytes");
    expect(errorOf(`{"uid":"${"张".repeat(86)}"}`)).toBe("uid is longer than 255 bytes");
  });

  test("a list is bounded in items", () => {
    const three = array(UID, 3);
    expect(decodeGoJson(Buffer.from('["a","b","c"]'), three)).toEqual(["a", "b", "c"]);
    expect(() => decodeGoJson(Buffer.from('["a","b","c","d"]'), three)).toThrow("more than 3 items");
  });

  test("nesting is bounded", () => {
    expect(errorOf(`{"x":${"[".repeat(100_000)}`)).toBe("exceeded max depth");
    expect(errorOf(`{"x":${'{"a":'.repeat(100_000)}`)).toBe("exceeded max depth");
  });

  test("a number of a million digits is refused without being computed", () => {
    expect(errorOf(`{"message_id":${"9".repeat(1_000_000)}}`)).toMatch(/^json: cannot unmarshal number 9{40} into/);
  });
});

describe("for any input", () => {
  const ANYTHING = array(text());

  test("plain values come out as JSON.parse gives them", () => {
    fc.assert(
      fc.property(
        fc.record({
          uid: fc.string({ unit: "grapheme", maxLength: 40 }).filter((uid) => uid.isWellFormed()),
          flag: fc.nat(255),
          expire: fc.nat(4_294_967_295),
          limit: fc.maxSafeInteger(),
          uids: fc.array(fc.string({ maxLength: 20 }).filter((uid) => uid.isWellFormed())),
          other: fc.jsonValue(),
        }),
        (value) => {
          const { other: _, ...expected } = value;
          const decoded = decode(JSON.stringify(value, null, value.flag % 3));
          expect(decoded).toEqual({ ...ZERO, ...expected, limit: expected.limit + 0 });
        },
      ),
    );
  });

  test("valid JSON is never an error of syntax", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (json) => {
        const problem = errorOf(json);
        expect(problem === "none" || problem.startsWith("json: ") || problem.startsWith("illegal base64")).toBe(true);
      }),
    );
  });

  test("what JSON.parse accepts is never an error of syntax, and nothing but a GoJsonError is thrown", () => {
    const piece = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      ",",
      ":",
      '"',
      "\\",
      "u",
      "0",
      "-",
      ".",
      "e",
      "null",
      "true",
      '"a"',
      " ",
      "\n",
      "\u0000",
      "é",
      "\ud800",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const written = Buffer.from(pieces.join(""));
        const json = written.toString();
        let isParsed = true;
        try {
          JSON.parse(json);
        } catch {
          isParsed = false;
        }
        let problem = "none";
        try {
          decodeGoJson(written, ANYTHING);
        } catch (error) {
          expect(error).toBeInstanceOf(GoJsonError);
          problem = String(error);
        }
        // Ours reads the first value only, so it may accept more than the whole text; never less.
        if (isParsed) expect(problem).not.toMatch(/invalid character|EOF/);
      }),
      { numRuns: 2000 },
    );
  });

  test("random bytes end in a value or a GoJsonError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(typeof errorOf(bytes)).toBe("string");
      }),
    );
  });
});
