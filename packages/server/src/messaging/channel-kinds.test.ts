import { SYSTEM_UID } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { internalKey, isSystemChat, keepsRows, kindOf, peerOf, reversedAgentKey } from "./channel-kinds.ts";

describe("channel kinds", () => {
  test.each([
    // type, members, in the chat list, keeps commands, ban checked, who may send
    [1, "implied", true, true, true, "peer-rules"],
    [2, "listed", true, true, true, "members"],
    [3, "listed+implied", true, true, false, "anyone"],
    [4, "listed", true, true, true, "members"],
    [5, "listed", true, true, true, "members"],
    [6, "listed", true, true, false, "anyone"],
    [7, "listed", false, false, true, "members"],
    [8, "listed", false, true, true, "members"],
    [9, "listed", false, false, true, "members"],
    [10, "listed+implied", true, true, false, "owner-or-members"],
    [11, "implied", true, true, false, "parties-or-members"],
    [12, "listed", true, true, true, "members"],
    [0, "listed", true, true, true, "members"],
    [200, "listed", true, true, true, "members"],
  ] as const)("type %i is as the table says", (type, members, inChatList, keepsCommands, checksBan, maySend) => {
    expect(kindOf(type)).toMatchObject({ type, members, inChatList, keepsCommands, checksBan, maySend });
    expect(keepsRows(kindOf(type))).toBe(inChatList || keepsCommands);
  });

  test("a person channel is the same from both sides, and each names the other", () => {
    const [one, other] = [internalKey({ type: 1, id: "u2" }, "u1"), internalKey({ type: 1, id: "u1" }, "u2")];
    expect(one).toEqual({ type: 1, id: "u2@u1" });
    expect(other).toEqual(one);
    expect(kindOf(1).implied("u2@u1")).toEqual(["u2", "u1"]);
    expect([kindOf(1).shownId("u2@u1", "u1"), kindOf(1).shownId("u2@u1", "u2")]).toEqual(["u2", "u1"]);
    expect(peerOf("u2@u1", "u3")).toBeUndefined();
  });

  test("H-41: two uids with the same CRC-32 have one channel", () => {
    const one = internalKey({ type: 1, id: "buckeroo" }, "plumless");
    expect(internalKey({ type: 1, id: "plumless" }, "buckeroo")).toEqual(one);
  });

  test("a chat with oneself has one member, who is his own peer", () => {
    const key = internalKey({ type: 1, id: "a" }, "a");
    expect(key?.id).toBe("a@a");
    expect(kindOf(1).implied("a@a")).toEqual(["a"]);
    expect(kindOf(1).shownId("a@a", "a")).toBe("a");
  });

  test("no person channel comes from an id with @ in it, or from none", () => {
    for (const id of ["", "@", "a@", "@b", "a@b", "____cmd"]) expect(internalKey({ type: 1, id }, "u")).toBeUndefined();
  });

  test("the command suffix is taken off, so both logs belong to one channel", () => {
    expect(internalKey({ type: 2, id: "g____cmd" }, "u")).toEqual({ type: 2, id: "g" });
  });

  test("customer service implies the visitor before the bar, visitors the id, agents both halves", () => {
    expect(kindOf(3).implied("v|shop")).toEqual(["v"]);
    expect(kindOf(3).implied("shop")).toEqual([]);
    expect(kindOf(10).implied("v")).toEqual(["v"]);
    expect(kindOf(11).implied("u@bot")).toEqual(["u", "bot"]);
    expect(internalKey({ type: 11, id: "bot" }, "u")).toEqual({ type: 11, id: "u@bot" });
  });

  test("customer service and visitors imply nobody whose uid cannot be", () => {
    const long = "v".repeat(256);
    for (const uid of ["", " ", "a@b", "a#b", "a&b", long]) {
      expect(kindOf(3).implied(`${uid}|shop`)).toEqual([]);
      expect(kindOf(10).implied(uid)).toEqual([]);
    }
  });

  test("an agent channel goes by its stored id from any side, and has a reverse", () => {
    for (const uid of ["u", "bot", "x"]) expect(internalKey({ type: 11, id: "u@bot" }, uid)?.id).toBe("u@bot");
    expect(reversedAgentKey({ type: 11, id: "u@bot" })).toEqual({ type: 11, id: "bot@u" });
    for (const key of [
      { type: 11, id: "bot" },
      { type: 1, id: "u@bot" },
      { type: 2, id: "u@bot" },
    ])
      expect(reversedAgentKey(key)).toBeUndefined();
  });

  test("only a person chat with ____system is the system chat", () => {
    expect(isSystemChat({ type: 1, id: `u@${SYSTEM_UID}` })).toBe(true);
    expect(isSystemChat({ type: 1, id: "u@v" })).toBe(false);
    expect(isSystemChat({ type: 2, id: `u@${SYSTEM_UID}` })).toBe(false);
  });
});
