/** Against the simplest thing that keeps the same order: a list. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LruMap } from "./lru-map.ts";

test("holds what was set, and knows which was used longest ago, after any steps", () => {
  const step = fc.tuple(
    fc.constantFrom("get", "peek", "set", "delete", "clear"),
    fc.integer({ min: 0, max: 6 }),
    fc.nat(99),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new LruMap<number>();
      let list: { readonly key: string; readonly value: number }[] = [];
      for (const [kind, number, value] of steps) {
        const key = `k${number}`;
        const known = list.find((each) => each.key === key);
        const others = list.filter((each) => each.key !== key);
        if (kind === "get") {
          expect(map.get(key)).toBe(known?.value);
          if (known !== undefined) list = [...others, known];
        } else if (kind === "peek") {
          expect(map.peek(key)).toBe(known?.value);
        } else if (kind === "set") {
          map.set(key, value);
          list = [...others, { key, value }];
        } else if (kind === "delete") {
          expect(map.delete(key)).toBe(known?.value);
          list = others;
        } else if (value < 10) {
          map.clear();
          list = [];
        }
        expect(map.size).toBe(list.length);
        expect(map.oldest()?.key).toBe(list[0]?.key);
        expect(map.oldest()?.value).toBe(list[0]?.value);
      }
    }),
  );
});
