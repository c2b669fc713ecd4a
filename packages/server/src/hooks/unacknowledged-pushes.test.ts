import { expect, test } from "vitest";
import type { AckException } from "../delivery/ack-exceptions.ts";
import { PENDING_ACKS_DEFAULTS, PendingAcks } from "../delivery/pending-acks.ts";
import { Presence } from "../delivery/presence.ts";
import { storedMessage } from "../gateway/test-kit.ts";
import type { DeviceLevel } from "../messaging/users.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { UnacknowledgedPushes } from "./unacknowledged-pushes.ts";

const AFTER_MS = 10_000;
const MESSAGE = storedMessage({ seq: 5 });
const FIRST = 1;
const SECOND = 2;

class Bench {
  readonly simulation = createSimulatedWorld({ seed: 1 });
  readonly presence = new Presence();
  readonly told: (readonly string[])[] = [];
  full = 0;
  readonly acks: PendingAcks;
  readonly unacknowledged: UnacknowledgedPushes;

  constructor(receiversMax = 100) {
    const { world } = this.simulation;
    this.acks = new PendingAcks({
      ...world,
      history: { bySeqs: async () => [] },
      trail: { exceptions: (sessionId, list) => this.unacknowledged.exceptions(sessionId, list) },
      options: PENDING_ACKS_DEFAULTS,
    });
    this.unacknowledged = new UnacknowledgedPushes({
      ...world,
      presence: this.presence,
      acks: this.acks,
      tell: (_, uids) => this.told.push(uids),
      full: () => this.full++,
      options: { afterMs: AFTER_MS, receiversMax },
    });
  }

  login(id: number, deviceLevel: DeviceLevel = "master", uid = "ben"): void {
    const device = { deviceId: `device ${id}`, deviceFlag: id };
    this.presence.add({ id, uid, ...device, deviceLevel, version: 5, connectedAtMs: 0 });
  }

  /** As the gateway does it. */
  logout(id: number): void {
    this.presence.remove(id);
    this.acks.forget(id);
  }

  push(...sessionIds: readonly number[]): void {
    this.acks.track(MESSAGE, sessionIds);
    this.unacknowledged.watch(MESSAGE, [{ uid: "ben", sessionIds }]);
  }
}

/** What happens between the push to two master devices and the end of the wait. */
test.each([
  { name: "nothing", isTold: true, happens: () => undefined },
  { name: "one acknowledges", isTold: false, happens: (b: Bench) => b.acks.acked(FIRST, MESSAGE.id, 5) },
  { name: "both go", isTold: true, happens: (b: Bench) => [FIRST, SECOND].map((id) => b.logout(id)) },
  { name: "one goes, the other stays silent", isTold: true, happens: (b: Bench) => b.logout(FIRST) },
  {
    name: "one acknowledges and goes",
    isTold: false,
    happens: (b: Bench) => {
      b.acks.acked(FIRST, MESSAGE.id, 5);
      b.logout(FIRST);
    },
  },
  { name: "a third master comes", isTold: false, happens: (b: Bench) => b.login(3) },
  { name: "a slave comes", isTold: true, happens: (b: Bench) => b.login(3, "slave") },
  {
    name: "both go, and one comes back",
    isTold: false,
    happens: (b: Bench) => {
      b.logout(FIRST);
      b.logout(SECOND);
      b.login(3);
    },
  },
])("$name: told is $isTold", async ({ happens, isTold }) => {
  const bench = new Bench();
  bench.login(FIRST);
  bench.login(SECOND);
  bench.push(FIRST, SECOND);
  await bench.simulation.run(AFTER_MS / 2);
  happens(bench);
  await bench.simulation.run(AFTER_MS / 2 - 100);
  expect(bench.told).toEqual([]);
  await bench.simulation.run(200);
  expect(bench.told).toEqual(isTold ? [["ben"]] : []);
});

test("a push that was given up was not acknowledged", async () => {
  const bench = new Bench();
  bench.login(FIRST);
  bench.unacknowledged.watch(MESSAGE, [{ uid: "ben", sessionIds: [FIRST] }]);
  const { channel, log } = MESSAGE;
  const run: AckException = { kind: "given_up", channel, log, firstSeq: 4, lastSeq: 6, resends: 5, atMs: 0 };
  bench.unacknowledged.exceptions(FIRST, [run]);
  await bench.simulation.run(AFTER_MS + 1);
  expect(bench.told).toEqual([["ben"]]);
});

test("of a session that never acknowledges the last runs are remembered, however long it goes on", async () => {
  const bench = new Bench();
  bench.login(FIRST);
  const { channel, log } = MESSAGE;
  for (const seq of [1, 5]) {
    const uid = `ben-${seq}`;
    bench.unacknowledged.watch(storedMessage({ seq }), [{ uid, sessionIds: [FIRST] }]);
  }
  // 1 comes first and 5 last, with more between them than are kept.
  for (const seq of [1, ...Array.from({ length: 1_000 }, (_, n) => 10 + 2 * n), 5])
    bench.unacknowledged.exceptions(FIRST, [
      { kind: "given_up", channel, log, firstSeq: seq, lastSeq: seq, resends: 5, atMs: 0 },
    ]);
  await bench.simulation.run(AFTER_MS + 1);
  expect(bench.told).toEqual([["ben-5"]]);
});

test("an acknowledgement that came late is one", async () => {
  const bench = new Bench();
  bench.login(FIRST);
  bench.unacknowledged.watch(MESSAGE, [{ uid: "ben", sessionIds: [FIRST] }]);
  const { channel, log } = MESSAGE;
  bench.unacknowledged.exceptions(FIRST, [
    { kind: "late", channel, log, firstSeq: 5, lastSeq: 5, resends: 1, atMs: 0 },
  ]);
  await bench.simulation.run(AFTER_MS + 1);
  expect(bench.told).toEqual([]);
});

test("beyond the bound nothing more is watched, and it is said once until there is room for all again", async () => {
  const bench = new Bench(1);
  bench.login(FIRST);
  for (let time = 0; time < 3; time++) bench.push(FIRST);
  expect(bench.full).toBe(1);
  await bench.simulation.run(AFTER_MS + 1);
  expect(bench.told.length).toBe(1);
  bench.push(FIRST);
  bench.push(FIRST);
  expect(bench.full).toBe(2);
});

test("nobody is told after the end", async () => {
  const bench = new Bench();
  bench.login(FIRST);
  bench.push(FIRST);
  bench.unacknowledged.stop();
  bench.push(FIRST);
  await bench.simulation.run(AFTER_MS * 2);
  expect(bench.told).toEqual([]);
});
