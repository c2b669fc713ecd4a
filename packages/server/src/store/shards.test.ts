import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPersonRecord, SHARD_COUNT, shardOfChannel, shardOfUser } from "./shards.ts";

describe("shards", () => {
  test("of what is on every disk never change", () => {
    // Another number here means that rows written before are not found any more.
    expect(SHARD_COUNT).toBe(64);
    expect(["ann", "ben", "用户", ""].map(shardOfUser)).toEqual([51, 33, 29, 0]);
    const channels = [
      { type: 2, id: "team" },
      { type: 4, id: "team" },
      { type: 1, id: "ben@ann" },
      { type: 200, id: "群" },
    ];
    expect(channels.map(shardOfChannel)).toEqual([62, 30, 34, 32]);
  });

  test("are below the count for any id", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.string({ unit: "grapheme" }), (type, id) => {
        for (const shard of [shardOfUser(id), shardOfChannel({ type, id })]) {
          expect(Number.isInteger(shard)).toBe(true);
          expect(shard).toBeGreaterThanOrEqual(0);
          expect(shard).toBeLessThan(SHARD_COUNT);
        }
      }),
    );
  });

  test("share users and channels out evenly", () => {
    const counts = new Array<number>(SHARD_COUNT).fill(0);
    for (let index = 0; index < 6400; index++) {
      const shard = shardOfChannel({ type: 2, id: `group-${index}` });
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(200);
  });

  test("hold a user's own person record where his other rows are", () => {
    expect(isPersonRecord({ type: 1, id: "ann" })).toBe(true);
    expect(shardOfChannel({ type: 1, id: "ann" })).toBe(shardOfUser("ann"));
    expect(isPersonRecord({ type: 1, id: "ben@ann" })).toBe(false);
    expect(isPersonRecord({ type: 2, id: "ann" })).toBe(false);
  });
});
