/** Person channels, command channels and the hashes that name them. */
import { crc32 as nodeCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  crc32,
  fnv1a64,
  personChannelId,
  personPeers,
  withCommandSuffix,
  withoutCommandSuffix,
} from "./channel-ids.ts";

const anyText = fc.string({ unit: "binary" });
const uid = anyText.filter((text) => !text.includes("@"));

describe("hashes", () => {
  test("CRC-32 is the IEEE one over UTF-8", () => {
    expect(crc32("123456789")).toBe(0xcbf43926);
    fc.assert(fc.property(anyText, (text) => crc32(text) === nodeCrc32(Buffer.from(text))));
  });

  test("FNV-1a has its published values", () => {
    expect(fnv1a64("")).toBe(0xcbf29ce484222325n);
    expect(fnv1a64("a")).toBe(0xaf63dc4c8601ec8cn);
    expect(fnv1a64("foobar")).toBe(0x85944171f73967e8n);
  });
});

describe("a person channel", () => {
  test("has one id from both sides, and it names both", () => {
    fc.assert(
      fc.property(uid, uid, (a, b) => {
        const id = personChannelId(a, b);
        expect(id).toBe(personChannelId(b, a));
        expect([...personPeers(id)!].sort()).toEqual([a, b].sort());
      }),
    );
  });

  test("begins with the uid of the greater CRC", () => {
    const [first, second] = crc32("u1") > crc32("u2") ? ["u1", "u2"] : ["u2", "u1"];
    expect(personChannelId("u1", "u2")).toBe(`${first}@${second}`);
  });

  test("H-41: two uids with the same CRC have one id, the greater uid first", () => {
    // A known collision: these two words have the same CRC-32.
    expect(crc32("plumless")).toBe(crc32("buckeroo"));
    expect(personChannelId("plumless", "buckeroo")).toBe("plumless@buckeroo");
    expect(personChannelId("buckeroo", "plumless")).toBe("plumless@buckeroo");
  });

  test("is nothing with less or more than two parts", () => {
    expect(personPeers("u1")).toBeUndefined();
    expect(personPeers("u1@u2@u3")).toBeUndefined();
    expect(personPeers("@")).toEqual(["", ""]);
  });
});

describe("a command channel", () => {
  test("has the suffix once, and loses it once", () => {
    expect(withCommandSuffix("g1")).toBe("g1____cmd");
    expect(withCommandSuffix("g1____cmd")).toBe("g1____cmd");
    expect(withoutCommandSuffix("g1____cmd")).toBe("g1");
    expect(withoutCommandSuffix("g1")).toBe("g1");
  });
});
