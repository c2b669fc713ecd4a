/** Acknowledgements that wait for an earlier one: how far they reach, and how many there may be. */
import { describe, expect, test } from "vitest";
import { EarlyAcks } from "./early-acks.ts";

const ROOMY = { countMax: 10_000, bytesMax: 1 << 24 };
const X = { type: 2, id: "x" };

describe("early acknowledgements", () => {
  test("are a run up to the first gap", () => {
    const early = new EarlyAcks(ROOMY);
    for (const seq of [4, 2, 3, 6]) early.add("u", X, seq);
    const acks = early.add("u", X, 4);
    expect([early.runEnd(acks, 0), early.runEnd(acks, 1), early.runEnd(acks, 4)]).toEqual([0, 4, 4]);
    expect(early.count).toBe(4);
  });

  test("are forgotten with the cursor, and nothing is left then", () => {
    const early = new EarlyAcks(ROOMY);
    const acks = early.add("u", X, 2);
    early.add("u", X, 5);
    early.forgetUpTo(acks, 4);
    expect([...(early.of("u", X)?.seqs ?? [])]).toEqual([5]);
    early.forgetUpTo(acks, 5);
    expect(early.of("u", X)).toBeUndefined();
    expect(early.count).toBe(0);
  });

  test("of a user and a channel are no one else's", () => {
    const early = new EarlyAcks(ROOMY);
    early.add("u1", { type: 2, id: "2x" }, 5);
    expect(early.of("u12", { type: 2, id: "x" })).toBeUndefined();
    expect(early.of("u1", { type: 4, id: "2x" })).toBeUndefined();
  });

  test("are at most 1,024 in one channel of one user", () => {
    const early = new EarlyAcks(ROOMY);
    for (let seq = 2; seq < 3000; seq++) early.add("u", X, seq);
    expect(early.count).toBe(1024);
  });

  test("of the oldest channel give way, by count and by bytes", () => {
    for (const bounds of [
      { countMax: 2, bytesMax: 1 << 20 },
      { countMax: 100, bytesMax: 700 },
    ]) {
      const early = new EarlyAcks(bounds);
      for (const id of ["a", "b", "c"]) early.add("u", { type: 2, id }, 5);
      const kept = ["a", "b", "c"].filter((id) => early.of("u", { type: 2, id }) !== undefined);
      expect(kept).toEqual(["b", "c"]);
    }
  });
});
