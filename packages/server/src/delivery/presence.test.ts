import { describe, expect, test } from "vitest";
import { isToldOfKick, Presence } from "./presence.ts";
import type { Session } from "./session.ts";

function session(id: number, fields: Partial<Session> = {}): Session {
  return { id, uid: "u", deviceId: "d1", deviceFlag: 0, deviceLevel: "slave", version: 5, connectedAtMs: 0, ...fields };
}

describe("who gives way to a login", () => {
  const levels = ["slave", "master"] as const;
  for (const oldLevel of levels) {
    for (const newLevel of levels) {
      for (const sameDevice of [true, false]) {
        for (const sameFlag of [true, false]) {
          const isKicked = sameFlag && (sameDevice || newLevel === "master");
          const isTold = isKicked && !sameDevice;
          const title = `a ${newLevel} on ${sameDevice ? "the same" : "another"} device with ${sameFlag ? "the same" : "another"} flag ${
            isKicked ? `ends a ${oldLevel}, ${isTold ? "which is told" : "in silence"}` : `leaves a ${oldLevel} alone`
          }`;
          test(title, () => {
            const presence = new Presence();
            const old = session(1, { deviceLevel: oldLevel });
            const young = session(2, {
              deviceLevel: newLevel,
              deviceId: sameDevice ? "d1" : "d2",
              deviceFlag: sameFlag ? 0 : 1,
            });
            presence.add(old);
            expect(presence.add(young)).toEqual(isKicked ? [old] : []);
            expect(presence.of("u")).toEqual(isKicked ? [young] : [old, young]);
            if (isKicked) expect(isToldOfKick(old, young)).toBe(isTold);
          });
        }
      }
    }
  }

  test("a master ends all others of its flag, and nobody of another user", () => {
    const presence = new Presence();
    for (let id = 1; id <= 5; id++) presence.add(session(id, { deviceId: `d${id}` }));
    presence.add(session(6, { uid: "other" }));
    presence.add(session(7, { deviceFlag: 1 }));
    expect(presence.add(session(8, { deviceLevel: "master", deviceId: "d9" })).map(({ id }) => id)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    expect(presence.of("u").map(({ id }) => id)).toEqual([7, 8]);
    expect([presence.count, presence.userCount]).toEqual([3, 2]);
    expect(presence.of("other").map(({ id }) => id)).toEqual([6]);
  });
});

test("removing is harmless twice, and the last session takes the user along", () => {
  const presence = new Presence();
  presence.add(session(1));
  presence.add(session(2, { deviceFlag: 1 }));
  presence.remove(1);
  presence.remove(1);
  expect(presence.of("u").map(({ id }) => id)).toEqual([2]);
  expect(presence.count).toBe(1);
  presence.remove(2);
  expect([presence.count, presence.userCount, presence.of("u").length]).toEqual([0, 0, 0]);
});

test("1,000 reconnects with a new device id each leave exactly the open ones", () => {
  const presence = new Presence();
  for (let id = 1; id <= 1_000; id++) {
    presence.add(session(id, { deviceId: `d${id}` }));
    if (id > 1) presence.remove(id - 1);
  }
  expect(presence.of("u").map(({ id }) => id)).toEqual([1_000]);
});

test("a watcher is told of each session that comes or goes, when presence shows it, those that a login ends before it", () => {
  const presence = new Presence();
  const told: string[] = [];
  presence.watcher = (changed, isOnline) => {
    told.push(`${changed.id} ${isOnline ? "came" : "went"}, ${presence.of("u").length} there`);
  };
  presence.add(session(1, { deviceId: "a" }));
  presence.add(session(2, { deviceId: "b" }));
  presence.add(session(3, { deviceId: "c", deviceLevel: "master" }));
  presence.remove(2);
  presence.remove(3);
  presence.remove(3);
  expect(told).toEqual([
    "1 came, 1 there",
    "2 came, 2 there",
    "1 went, 1 there",
    "2 went, 0 there",
    "3 came, 1 there",
    "3 went, 0 there",
  ]);
});
