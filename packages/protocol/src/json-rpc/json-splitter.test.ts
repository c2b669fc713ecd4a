/** Cutting a stream of bytes into JSON texts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../protocol-error.ts";
import { JsonSplitter, jsonText } from "./json-splitter.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All texts of the chunks, taken as soon as they are there. */
function split(chunks: readonly Uint8Array[], textBytesMax = 1 << 20): string[] {
  const splitter = new JsonSplitter({ textBytesMax });
  const texts: string[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk);
    for (let text = splitter.next(); text !== undefined; text = splitter.next()) texts.push(jsonText(text)!);
  }
  return texts;
}

describe("a run of objects", () => {
  const texts = ['{"a":"}{\\"","b":[{},[]]}', "{}", '{"c":"\\\\"}', '["batch"]', '{"d":"你😀"}'];
  const run = utf8(texts.join(" \r\n\t"));

  test("comes out whole in one chunk", () => {
    expect(split([run])).toEqual(texts);
  });

  test("comes out whole when cut at every byte, and byte by byte", () => {
    for (let at = 0; at <= run.length; at++) expect(split([run.slice(0, at), run.slice(at)])).toEqual(texts);
    expect(split(Array.from(run, (byte) => Uint8Array.of(byte)))).toEqual(texts);
  });

  test("comes out whole for any JSON and any cuts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.array(fc.nat({ max: 200 })),
        (objects, lengths) => {
          const expected = objects.map((value) => JSON.stringify(value));
          const bytes = utf8(expected.join(""));
          const chunks: Uint8Array[] = [];
          let at = 0;
          for (const length of lengths) {
            chunks.push(bytes.slice(at, at + length));
            at += length;
          }
          chunks.push(bytes.slice(at));
          expect(split(chunks)).toEqual(expected);
        },
      ),
    );
  });

  test("a text with bad syntax costs only itself", () => {
    expect(split([utf8('{"method":ping}{]{"a":1}')])).toEqual(['{"method":ping}', "{]", '{"a":1}']);
  });

  test("bytes that are no UTF-8 cost only their text", () => {
    const splitter = new JsonSplitter({ textBytesMax: 100 });
    splitter.push(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d, 0x7b, 0x7d));
    expect(jsonText(splitter.next()!)).toBeUndefined();
    expect(jsonText(splitter.next()!)).toBe("{}");
  });
});

describe("limits", () => {
  test("a text of exactly the limit passes and one byte more does not", () => {
    expect(split([utf8('{"a":1}')], 7)).toEqual(['{"a":1}']);
    expect(() => split([utf8('{"a":12}')], 7)).toThrow(expect.objectContaining({ code: "frame_too_large" }));
  });

  test("a text that never ends fails at the limit and keeps nothing", () => {
    const splitter = new JsonSplitter({ textBytesMax: 1000 });
    let failure: unknown;
    for (let count = 0; count < 1001 && failure === undefined; count++) {
      splitter.push(utf8("["));
      try {
        expect(splitter.next()).toBeUndefined();
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toMatchObject({ code: "frame_too_large" });
    splitter.push(utf8("{}"));
    expect(splitter.bufferedBytes).toBe(0);
    expect(() => splitter.next()).toThrow(ProtocolError);
  });

  test("something else than an object or array is one bad message, up to the next bracket, at any cut", () => {
    const bytes = utf8('{"a":1} hello } "x"\u00a0{"b":2}}[3]');
    const expected = ['{"a":1}', "", '{"b":2}', "", "[3]"];
    expect(split([bytes])).toEqual(expected);
    for (let at = 0; at <= bytes.length; at++) expect(split([bytes.slice(0, at), bytes.slice(at)])).toEqual(expected);
  });
});
