import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Roster } from "./roster.ts";

function views(roster: Roster): { decided: string[]; durable: string[] } {
  return { decided: [...roster.decided()].sort(), durable: [...roster.durable()].sort() };
}

describe("a roster", () => {
  test("is empty at first", () => {
    const roster = new Roster();
    expect(views(roster)).toEqual({ decided: [], durable: [] });
    expect([roster.decidedCount, roster.hasDecided("a")]).toEqual([0, false]);
  });

  test("shows names read from disk in both views", () => {
    const roster = new Roster();
    roster.load(["a", "b"]);
    expect(views(roster)).toEqual({ decided: ["a", "b"], durable: ["a", "b"] });
    expect(roster.decidedCount).toBe(2);
  });

  test("lets permission see a new name at once and fan-out only when it is durable", () => {
    const roster = new Roster();
    roster.decideAdd("a");
    expect(views(roster)).toEqual({ decided: ["a"], durable: [] });
    roster.settleAdd("a");
    expect(views(roster)).toEqual({ decided: ["a"], durable: ["a"] });
    roster.decideRemove("a");
    expect(views(roster)).toEqual({ decided: [], durable: ["a"] });
    roster.settleRemove("a");
    expect(views(roster)).toEqual({ decided: [], durable: [] });
  });

  test("counts a name once, however often it is added or removed", () => {
    const roster = new Roster();
    roster.decideAdd("a");
    roster.decideAdd("a");
    expect(roster.decidedCount).toBe(1);
    roster.decideRemove("a");
    roster.decideRemove("a");
    roster.decideRemove("never there");
    expect(roster.decidedCount).toBe(0);
  });

  test("does not visit a name that is removed during the walk", () => {
    const roster = new Roster();
    roster.load(["a", "b", "c"]);
    const visited: string[] = [];
    for (const uid of roster.durable()) {
      visited.push(uid);
      roster.decideRemove("b");
      roster.settleRemove("b");
    }
    expect(visited).toEqual(["a", "c"]);
  });

  test("visits nobody twice who is removed and added again during the walk", () => {
    const roster = new Roster();
    roster.load(["a", "b", "c"]);
    const visited: string[] = [];
    for (const uid of roster.durable()) {
      visited.push(uid);
      if (visited.length > 5) break;
      roster.decideRemove(uid);
      roster.settleRemove(uid);
      roster.decideAdd(uid);
      roster.settleAdd(uid);
    }
    expect(visited).toEqual(["a", "b", "c"]);
    expect([...roster.durable()]).toEqual(["a", "b", "c"]);
  });

  test("is in both views what two sets are, whatever is decided while changes are on their way", () => {
    const step = fc.record({ kind: fc.constantFrom("add", "remove", "settle"), uid: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(fc.subarray(["a", "b", "c"]), fc.array(step, { maxLength: 40 }), (loaded, steps) => {
        const roster = new Roster();
        roster.load(loaded);
        const decided = new Set(loaded);
        const durable = new Set(loaded);
        const onTheWay: (() => void)[] = [];
        for (const { kind, uid } of steps) {
          if (kind === "add" && !decided.has(uid)) {
            roster.decideAdd(uid);
            decided.add(uid);
            onTheWay.push(() => {
              roster.settleAdd(uid);
              durable.add(uid);
            });
          } else if (kind === "remove" && decided.has(uid)) {
            roster.decideRemove(uid);
            decided.delete(uid);
            onTheWay.push(() => {
              roster.settleRemove(uid);
              durable.delete(uid);
            });
          } else if (kind === "settle") {
            onTheWay.shift()?.();
          }
          expect(views(roster)).toEqual({ decided: [...decided].sort(), durable: [...durable].sort() });
          expect(roster.decidedCount).toBe(decided.size);
        }
      }),
    );
  });
});
