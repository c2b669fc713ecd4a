import { describe, expect, test } from "vitest";
import { type ComparisonOptions, Expectations } from "./expectation.ts";
import { type CaseNames, markVolatile } from "./volatile.ts";

const names: CaseNames = { prefix: "k01z", hashes: new Map([["77", "{p}a"]]) };
const ID_1 = 1_914_637_450_395_648_001n;
const ID_2 = 1_914_637_450_395_648_002n;
const nowS = Math.floor(Date.now() / 1000);

function differs(expected: unknown, observed: unknown, options: ComparisonOptions = {}): boolean {
  return new Expectations().compare(expected, markVolatile(observed, names), options).length > 0;
}

describe("what is compared as it is", () => {
  test.each<[unknown, unknown, boolean]>([
    [1, 1, false],
    [1, 2, true],
    [1, "1", true],
    [0, false, true],
    [null, null, false],
    [null, 0, true],
    ["", null, true],
    ["a", "a", false],
    ["{p}a", "k01za", false],
    ["{P}A", "K01ZA", false],
    ["{p}a", "k02za", true],
    ["<fnv:{p}a>", 77, false],
    ["<fnv:{p}a>", 78, true],
    [{ a: 1 }, { a: 1 }, false],
    [{ a: 1 }, {}, true],
    [{ a: 1 }, { a: 1, b: 2 }, true],
    [{}, { a: 1 }, true],
    [{ a: 1 }, [1], true],
    [[], {}, true],
    [[], [], false],
    [[1, 2], [1, 2], false],
    [[1, 2], [2, 1], true],
    [[1], [1, 1], true],
    [[1, 1], [1], true],
    [{ message_id: 5 }, { message_id: 5 }, false],
    [{ message_id: 5 }, { message_id: ID_1 }, true],
  ])("%j against %o differs: %s", (expected, observed, isDifferent) => {
    expect(differs(expected, observed)).toBe(isDifferent);
  });
});

describe("placeholders", () => {
  test.each<[unknown, unknown, boolean]>([
    ["<any>", 17, false],
    [{ a: "<any>" }, {}, true],
    [{ a: "<absent or any>" }, {}, false],
    [{ a: "<absent or any>" }, { a: 1 }, false],
    ["<text>", "x", false],
    ["<text>", "", true],
    ["<text>", 1, true],
    ["<refused>", 3, false],
    ["<refused>", 1, true],
    ["<refused>", "3", true],
    ["<positive>", 1, false],
    ["<positive>", 0, true],
    [{ "<oneOf>": [1, "a"] }, "a", false],
    [{ "<oneOf>": [1, "a"] }, 2, true],
    [{ timestamp: "<sec>" }, { timestamp: nowS }, false],
    [{ timestamp: "<sec>" }, { timestamp: nowS - 7_200 }, true],
    [{ timestamp: "<sec>" }, { timestamp: nowS * 1000 }, true],
    [{ version: "<ns>" }, { version: BigInt(nowS) * 1_000_000_000n }, false],
    [{ version: "<ms>" }, { version: nowS * 1000 }, false],
    [{ version: "<ns>" }, { version: 0 }, true],
    [{ created_at: "<time>" }, { created_at: new Date().toISOString() }, false],
    [{ created_at: "<time>" }, { created_at: "2001-01-01T00:00:00Z" }, true],
    [{ client_msg_no: "<cmn:1>" }, { client_msg_no: `${"a".repeat(32)}0` }, false],
    [{ client_msg_no: "<cmn:1>" }, { client_msg_no: "mine" }, true],
    [{ message_id: "<id:1>" }, { message_id: ID_1 }, false],
    [{ message_id: "<id:1>" }, { message_id: String(ID_1) }, true],
    [{ message_id: "<id:1>" }, { message_id: 7 }, true],
    [{ message_id: "<id:1>", message_idstr: "<idstr:1>" }, { message_id: ID_1, message_idstr: String(ID_1) }, false],
    [{ message_id: "<id:1>", message_idstr: "<idstr:1>" }, { message_id: ID_1, message_idstr: String(ID_2) }, true],
  ])("%j against %o differs: %s", (expected, observed, isDifferent) => {
    expect(differs(expected, observed)).toBe(isDifferent);
  });

  test("a placeholder keeps its value from one observation to the next", () => {
    const expectations = new Expectations();
    const compare = (expected: unknown, id: bigint): number =>
      expectations.compare(expected, markVolatile({ message_id: id }, names)).length;
    expect(compare({ message_id: "<id:1>" }, ID_1)).toBe(0);
    expect(compare({ message_id: "<id:1>" }, ID_2)).toBe(1);
    expect(compare({ message_id: "<id:2>" }, ID_1)).toBe(1);
    expect(compare({ message_id: "<id:2>" }, ID_2)).toBe(0);
    expect(expectations.valueOf("id:2")).toBe(String(ID_2));
  });

  test("a comparison that fails binds nothing", () => {
    const expectations = new Expectations();
    const expected = [{ message_id: "<id:1>" }, 1];
    expect(expectations.compare(expected, markVolatile([{ message_id: ID_1 }, 2], names))).toHaveLength(1);
    expect(expectations.valueOf("id:1")).toBeUndefined();
    expect(expectations.compare(expected, markVolatile([{ message_id: ID_2 }, 1], names))).toEqual([]);
  });
});

describe("lists as sets", () => {
  const rows = (...ids: bigint[]): unknown => ids.map((message_id, seq) => ({ message_id, seq }));
  const wanted = [
    { message_id: "<id:1>", seq: 0 },
    { message_id: "<id:2>", seq: 1 },
  ];

  test("any order fits", () => {
    expect(differs([1, 2, 2], [2, 1, 2], { unordered: [""] })).toBe(false);
    expect(
      differs({ body: [{ recents: [1, 2] }] }, { body: [{ recents: [2, 1] }] }, { unordered: ["body.*.recents"] }),
    ).toBe(false);
  });
  test("each item counts once", () => {
    expect(differs([1, 2, 2], [2, 1, 1], { unordered: [""] })).toBe(true);
    expect(differs([1, 2], [1, 2, 2], { unordered: [""] })).toBe(true);
  });
  test("other lists keep their order", () => {
    expect(differs({ a: [1, 2], b: [1, 2] }, { a: [2, 1], b: [2, 1] }, { unordered: ["a"] })).toBe(true);
  });
  test("placeholders are bound to the items that fit", () => {
    const expectations = new Expectations();
    const observed = markVolatile([...(rows(ID_1, ID_2) as unknown[])].reverse(), names);
    expect(expectations.compare(wanted, observed, { unordered: [""] })).toEqual([]);
    expect(expectations.valueOf("id:1")).toBe(String(ID_1));
  });
  test("a first fit that proves wrong is taken back", () => {
    const expected = [{ message_id: "<id:1>" }, { message_id: "<id:2>", seq: 5 }, { message_id: "<id:1>", seq: 6 }];
    const observed = [{ message_id: ID_2, seq: 5 }, { message_id: ID_1, seq: 6 }, { message_id: ID_1 }];
    expect(differs(expected, observed, { unordered: [""] })).toBe(false);
  });
});

test("allowed additions are allowed where they are, and nowhere else", () => {
  const mayAdd = (path: string): boolean => path === "data.seq";
  expect(differs({ data: { a: 1 } }, { data: { a: 1, seq: 2 } }, { mayAdd })).toBe(false);
  expect(differs({ data: { a: 1 } }, { seq: 1, data: { a: 1 } }, { mayAdd })).toBe(true);
});
