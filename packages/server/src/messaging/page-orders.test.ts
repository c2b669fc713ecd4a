import { describe, expect, test } from "vitest";
import type { ChatListRequest } from "./chat-list.ts";
import { PageOrders } from "./page-orders.ts";

const ask: ChatListRequest = {
  uid: "ann",
  version: 0n,
  lastSeqs: new Map(),
  messageCount: 1,
  onlyUnread: false,
  excludedTypes: new Set([3, 11]),
  page: 1,
  pageSize: 20,
};

interface Bench {
  readonly orders: PageOrders;
  nowMs: number;
}
function bench(countMax = 10, bytesMax = 10_000): Bench {
  const made: Bench = {
    nowMs: 0,
    orders: new PageOrders({ wallMs: () => 0, monotonicMs: () => made.nowMs }, { countMax, bytesMax }),
  };
  return made;
}

describe("the order of page 1", () => {
  test("is found by the same question for another page, whatever order the excluded types come in", () => {
    const { orders } = bench();
    orders.keep(ask, ["x", "y"]);
    expect(orders.find({ ...ask, page: 2, excludedTypes: new Set([11, 3]) })).toEqual(["x", "y"]);
  });

  test("is not found by another question", () => {
    const { orders } = bench();
    orders.keep(ask, ["x"]);
    const others: Partial<ChatListRequest>[] = [
      { uid: "ben" },
      { version: 1n },
      { onlyUnread: true },
      { pageSize: 21 },
      { excludedTypes: new Set([3]) },
      { uid: "3,11/ann", excludedTypes: new Set() },
    ];
    for (const other of others) expect(orders.find({ ...ask, ...other })).toBeUndefined();
  });

  test("is replaced by a later page 1", () => {
    const { orders } = bench();
    orders.keep(ask, ["x"]);
    orders.keep(ask, ["y"]);
    expect(orders.find(ask)).toEqual(["y"]);
  });

  test("is kept for two minutes from when it was made", () => {
    const made = bench();
    made.orders.keep(ask, ["x"]);
    made.nowMs = 119_999;
    expect(made.orders.find(ask)).toEqual(["x"]);
    made.nowMs = 120_000;
    expect(made.orders.find(ask)).toBeUndefined();
  });

  test("goes, the oldest first, when there are too many", () => {
    const { orders } = bench(2);
    for (const uid of ["a", "b", "c"]) orders.keep({ ...ask, uid }, [uid]);
    expect(["a", "b", "c"].map((uid) => orders.find({ ...ask, uid })?.[0])).toEqual([undefined, "b", "c"]);
  });

  test("goes, the oldest first, when they are too large; the same question again costs no more than once", () => {
    const { orders } = bench(1000, 10_000);
    const keys = Array.from({ length: 50 }, (_, index) => `chat-${index}`);
    for (let time = 0; time < 20; time++) orders.keep({ ...ask, uid: "a" }, keys);
    orders.keep({ ...ask, uid: "b" }, keys);
    expect(orders.find({ ...ask, uid: "a" })).toEqual(keys);
    for (const uid of ["c", "d", "e"]) orders.keep({ ...ask, uid }, keys);
    expect(orders.find({ ...ask, uid: "a" })).toBeUndefined();
    expect(orders.find({ ...ask, uid: "e" })).toEqual(keys);
  });

  test("is not kept at all when it alone is too large", () => {
    const { orders } = bench(10, 100);
    orders.keep(ask, ["x".repeat(100)]);
    expect(orders.find(ask)).toBeUndefined();
    orders.keep({ ...ask, pageSize: 1 }, []);
    expect(orders.find({ ...ask, pageSize: 1 })).toBeDefined();
  });
});
