/** What cannot be read now is read later, and what cannot be read at all takes nothing away from the rest. */
import { expect, test } from "vitest";
import { StoreUnavailable } from "./commit-failure.ts";
import { FilterFill, type FilterPage } from "./filter-fill.ts";
import { KeyFilter } from "./key-filter.ts";

const keyOf = (shard: number, name: string): Uint8Array => Buffer.from([0, shard, 3, ...Buffer.from(name)]);
const NOTHING: FilterPage = { keys: [], goesOnAfter: undefined };

function fill(readPage: (shard: number, isFirst: boolean) => FilterPage): {
  readonly filter: KeyFilter;
  readonly run: () => Promise<void>;
} {
  const filter = new KeyFilter(3, 1 << 20);
  const timers = {
    after(_: number, run: () => void) {
      const immediate = setImmediate(run);
      return { cancel: () => clearImmediate(immediate) };
    },
  };
  const filling = new FilterFill({
    timers,
    filter,
    shardCount: 3,
    rangesOf: (shard) => [{ from: keyOf(shard, ""), to: keyOf(shard, "\uffff") }],
    readPage: async ({ from }) => readPage(from[1] ?? 0, from.length === 3),
  });
  return { filter, run: () => filling.run() };
}

test("a shard with a row that cannot be decoded goes on saying perhaps, and the others are filled", async () => {
  const { filter, run } = fill((shard, isFirst) => {
    if (shard === 1) throw new Error("a row of version 9");
    return isFirst ? { keys: [keyOf(shard, "a")], goesOnAfter: keyOf(shard, "a") } : NOTHING;
  });
  await run();
  expect([0, 1, 2].map((shard) => filter.isAbsent(shard, keyOf(shard, "never")))).toEqual([true, false, true]);
  expect([0, 1, 2].map((shard) => filter.isAbsent(shard, keyOf(shard, "a")))).toEqual([false, false, false]);
});

test("a store that cannot be read for a while is asked again", async () => {
  let refusals = 3;
  const { filter, run } = fill((shard, isFirst) => {
    if (refusals-- > 0) throw new StoreUnavailable({ outcome: "refused", code: "read_only", cause: null });
    return isFirst ? { keys: [keyOf(shard, "a")], goesOnAfter: keyOf(shard, "a") } : NOTHING;
  });
  await run();
  for (const shard of [0, 1, 2]) {
    expect(filter.isAbsent(shard, keyOf(shard, "a"))).toBe(false);
    expect(filter.isAbsent(shard, keyOf(shard, "never"))).toBe(true);
  }
});
