/** What an acknowledgement of handed-out commands means: exactly the hand-out it names, or what all that it may mean have in common. */
import { describe, expect, test } from "vitest";
import { type HandOut, HandOuts } from "./hand-outs.ts";

const ROOMY = { countMax: 100, bytesMax: 1 << 20 };

function handOut(lastSeq: number, positions: Readonly<Record<string, number>>): HandOut {
  const entries = Object.entries(positions).map(([id, seq]) => [id, { channel: { type: 2, id }, seq }] as const);
  return { lastSeqs: [lastSeq, lastSeq], positions: new Map(entries) };
}

/** As the server does: looks and, unless told otherwise, says that it is durable. */
function acknowledge(handOuts: HandOuts, lastSeq: number, isDurable = true): Record<string, number> {
  const meant = handOuts.meantBy("u", lastSeq);
  if (isDurable) meant.done();
  return Object.fromEntries([...meant.positions].map(([id, { seq }]) => [id, seq]));
}

describe("an acknowledgement", () => {
  test("without a hand-out means nothing", () => {
    expect(acknowledge(new HandOuts(ROOMY), 5)).toEqual({});
  });

  test("means the hand-out that ends with its seq", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(7, { x: 7 }));
    handOuts.remember("u", handOut(3, { x: 3 }));
    expect(acknowledge(handOuts, 7)).toEqual({ x: 7 });
    expect(acknowledge(handOuts, 3)).toEqual({ x: 3 });
  });

  test("that comes again means nothing, also when something else was handed out meanwhile", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(7, { x: 7 }));
    expect(acknowledge(handOuts, 7)).toEqual({ x: 7 });
    handOuts.remember("u", handOut(9, { x: 9 }));
    expect(acknowledge(handOuts, 7)).toEqual({});
    expect(acknowledge(handOuts, 9)).toEqual({ x: 9 });
  });

  test("whose write failed can be repeated", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(7, { x: 7 }));
    acknowledge(handOuts, 7, false);
    expect(acknowledge(handOuts, 7)).toEqual({ x: 7 });
  });

  test("with an unknown seq means what all hand-outs have in common", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(7, { x: 7, y: 2 }));
    handOuts.remember("u", handOut(3, { x: 3, z: 1 }));
    expect(acknowledge(handOuts, 1000)).toEqual({ x: 3 });
    expect(acknowledge(handOuts, 1000)).toEqual({});
  });

  test("that may mean two hand-outs of two devices counts for what both have", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(4, { x: 4, y: 1 }));
    handOuts.remember("u", handOut(4, { x: 2, y: 4 }));
    expect(acknowledge(handOuts, 4)).toEqual({ x: 2, y: 1 });
    expect(acknowledge(handOuts, 4)).toEqual({ x: 2, y: 4 });
  });

  test("that may mean two hand-outs, one within the other, means the smaller one first", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(4, { x: 4, y: 4 }));
    handOuts.remember("u", handOut(4, { x: 4 }));
    expect(acknowledge(handOuts, 4)).toEqual({ x: 4 });
    expect(acknowledge(handOuts, 4)).toEqual({ x: 4, y: 4 });
  });

  test("of a client that always names the same seq gets through, at the latest when it gets the same again", () => {
    const handOuts = new HandOuts(ROOMY);
    handOuts.remember("u", handOut(7, { x: 7 }));
    expect(acknowledge(handOuts, 7)).toEqual({ x: 7 });
    handOuts.remember("u", handOut(9, { x: 9 }));
    expect(acknowledge(handOuts, 7)).toEqual({});
    handOuts.remember("u", handOut(9, { x: 9 }));
    expect(acknowledge(handOuts, 7)).toEqual({ x: 9 });
  });
});

describe("memory", () => {
  test("keeps the last four hand-outs of a user", () => {
    const handOuts = new HandOuts(ROOMY);
    for (const seq of [1, 2, 3, 4, 5]) handOuts.remember("u", handOut(seq, { [`c${seq}`]: seq }));
    expect(acknowledge(handOuts, 5)).toEqual({ c5: 5 });
    expect(acknowledge(handOuts, 2)).toEqual({ c2: 2 });
    expect(acknowledge(handOuts, 1)).toEqual({});
  });

  test("forgets the user whose last hand-out is the oldest, by count and by bytes", () => {
    for (const bounds of [
      { countMax: 2, bytesMax: 1 << 20 },
      { countMax: 100, bytesMax: 1500 },
    ]) {
      const handOuts = new HandOuts(bounds);
      for (const uid of ["a", "b", "a", "c"]) handOuts.remember(uid, handOut(1, { x: 1 }));
      const remembered = ["a", "b", "c"].filter((uid) => handOuts.meantBy(uid, 1).positions.size > 0);
      expect(remembered).toEqual(["a", "c"]);
    }
  });
});
