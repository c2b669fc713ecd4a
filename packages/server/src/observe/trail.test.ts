import { describe, expect, test } from "vitest";
import { session, storedMessage } from "../api/test-kit.ts";
import { IdGenerator } from "../messaging/ids.ts";
import { NO_ID } from "../messaging/message.ts";
import { GLOBAL_SHARD } from "../store/shards.ts";
import { Store } from "../store/store.ts";
import { tableRange, trailOrderTable, trailTable } from "../store/tables.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import { Trail, type TrailLimits } from "./trail.ts";

const ROOMY: TrailLimits = { usersMax: 1_000, waitingMax: 1_000, waitingBytesMax: 1 << 20 };

interface Bench {
  readonly simulation: Simulation;
  readonly store: Store;
  readonly trail: Trail;
  readonly failures: unknown[];
}

async function start(
  limits: Partial<TrailLimits> = {},
  simulation = createSimulatedWorld({ seed: 1 }),
): Promise<Bench> {
  const { world } = simulation;
  const failures: unknown[] = [];
  const store = await simulation.settle(
    Store.open({
      world,
      directory: "/data",
      limits: { writeBytesMax: 1 << 24, queueBytesMax: 1 << 26, queueBatchesMax: 1_000 },
      keyFilterBytesMax: 1 << 20,
      stateChanged: () => undefined,
    }),
  );
  const trail = new Trail({
    store,
    clock: world.clock,
    ids: new IdGenerator(world.clock, 1),
    timers: world.timers,
    failed: (error) => failures.push(error),
    limits: { ...ROOMY, ...limits },
  });
  return { simulation, store, trail, failures };
}

function refuse(
  trail: Trail,
  fromUid: string,
  clientMsgNo: string,
  rule: "not_member" | "deny_list" = "not_member",
): void {
  const send = { fromUid, addressedTo: { type: 2, id: "g" }, flags: 0, clientMsgNo };
  trail.refused(send, { high: 1, low: 2 }, 3, rule);
}

async function usersOnDisk({ simulation, store }: Bench): Promise<readonly string[]> {
  const range = { ...tableRange(trailOrderTable, GLOBAL_SHARD), reverse: false, limit: 10_000 };
  return (await simulation.settle(store.range(trailOrderTable, range))).map(({ uid }) => uid);
}

test("what is told can be asked at once, and is on the disk about a second later", async () => {
  const b = await start();
  const phone = session("u", 7, 0);
  b.trail.opened(phone);
  refuse(b.trail, "u", "n1");
  expect(b.trail.of("u")).toMatchObject({ sessions: [{ id: 7, left: NO_ID }], refusals: [{ count: 1 }] });
  expect(b.store.get(trailTable, GLOBAL_SHARD, "u")).toBeUndefined();
  await b.simulation.run(2_000);
  expect(b.store.get(trailTable, GLOBAL_SHARD, "u")).toMatchObject({ sessions: [{ id: 7 }], refusals: [{ count: 1 }] });
  refuse(b.trail, "u", "n2");
  b.trail.left(phone, "idle");
  await b.simulation.run(2_000);
  expect(b.trail.of("u")).toMatchObject({
    sessions: [{ id: 7, reason: "idle" }],
    refusals: [{ count: 2, cases: [{ clientMsgNo: "n1" }, { clientMsgNo: "n2" }] }],
  });
  expect(await usersOnDisk(b)).toEqual(["u"]);
  expect(b.failures).toEqual([]);
});

test("a flood of refusals is one note of one user", async () => {
  const b = await start();
  for (let n = 0; n < 10_000; n++) refuse(b.trail, "u", `n${n}`);
  refuse(b.trail, "u", "other", "deny_list");
  expect(b.trail.of("u").refusals).toMatchObject([{ count: 10_000 }, { count: 1 }]);
  expect(b.trail.dropped).toBe(0);
});

test("after a crash a new run has another number, and the old one's end is not noted", async () => {
  const first = await start();
  first.trail.opened(session("u", 7, 0));
  await first.simulation.run(2_000);
  first.simulation.crash();
  first.simulation.restart();
  const second = await start({}, first.simulation);
  expect(second.trail.boot).toBeGreaterThan(first.trail.boot);
  expect(second.trail.of("u").sessions).toMatchObject([{ boot: first.trail.boot, left: NO_ID }]);
  expect(second.trail.ofServer().sessions).toMatchObject([
    { boot: first.trail.boot, left: NO_ID },
    { boot: second.trail.boot, left: NO_ID },
  ]);
});

test("a stop writes what waits, and that it was a stop", async () => {
  const first = await start();
  for (let n = 0; n < 500; n++) refuse(first.trail, `u${n}`, "n");
  await first.simulation.settle(first.trail.stop());
  await first.simulation.settle(first.store.close());
  const second = await start({}, first.simulation);
  expect(await usersOnDisk(second)).toHaveLength(500);
  expect(second.trail.ofServer().sessions[0]).toMatchObject({ reason: "server_stopping" });
  expect(second.trail.ofServer().sessions[0]?.left).not.toEqual(NO_ID);
});

test("who was not heard of for longest is dropped first, the server itself never", async () => {
  const b = await start({ usersMax: 10 });
  for (let n = 1; n <= 10; n++) refuse(b.trail, `u${n}`, "n");
  await b.simulation.run(2_000);
  refuse(b.trail, "u1", "again");
  for (let n = 11; n <= 15; n++) refuse(b.trail, `u${n}`, "n");
  await b.simulation.run(2_000);
  expect(await usersOnDisk(b)).toEqual(["u7", "u8", "u9", "u10", "u1", "u11", "u12", "u13", "u14", "u15"]);
  expect(b.store.get(trailTable, GLOBAL_SHARD, "u2")).toBeUndefined();
  expect(b.trail.ofServer().sessions).toHaveLength(1);
});

test("the bound on users holds after a restart too", async () => {
  const first = await start({ usersMax: 10 });
  for (let n = 1; n <= 10; n++) refuse(first.trail, `u${n}`, "n");
  await first.simulation.settle(first.trail.stop());
  await first.simulation.settle(first.store.close());
  const second = await start({ usersMax: 10 }, first.simulation);
  refuse(second.trail, "new", "n");
  await second.simulation.run(2_000);
  expect(await usersOnDisk(second)).toEqual([...Array.from({ length: 9 }, (_, index) => `u${index + 2}`), "new"]);
});

test("news that find no room are counted, and room comes back", async () => {
  const b = await start({ waitingMax: 3 });
  for (let n = 1; n <= 5; n++) refuse(b.trail, `u${n}`, "n");
  // The server's own start waits too.
  expect(b.trail.dropped).toBe(3);
  await b.simulation.run(2_000);
  refuse(b.trail, "u5", "n");
  expect(b.trail.of("u5").refusals).toHaveLength(1);
  expect(b.trail.dropped).toBe(3);
});

test("bytes that wait are bounded", async () => {
  const b = await start({ waitingBytesMax: 10_000 });
  for (let n = 1; n <= 100; n++) refuse(b.trail, `u${n}`, "n");
  expect(b.trail.dropped).toBeGreaterThan(80);
});

test("news of a write that failed are written later", async () => {
  const b = await start();
  await b.simulation.run(2_000);
  refuse(b.trail, "u", "n1");
  b.simulation.failNextWrite();
  await b.simulation.run(1_200);
  refuse(b.trail, "u", "n2");
  await b.simulation.run(30_000);
  expect(b.trail.of("u").refusals).toMatchObject([{ rule: "not_member" }]);
  expect(b.trail.of("u").refusals[0]?.cases.at(-1)).toMatchObject({ clientMsgNo: "n2" });
  expect(await usersOnDisk(b)).toEqual(["u"]);
  expect(b.failures).toEqual([]);
});

describe("failed logins", () => {
  test("of somebody unknown stay in memory, so that nobody can push others out by them", async () => {
    const b = await start();
    b.trail.loginFailed("stranger", 1, "auth_failed");
    await b.simulation.run(2_000);
    expect(await usersOnDisk(b)).toEqual([]);
    expect(b.trail.of("stranger").loginFailures).toMatchObject([{ deviceFlag: 1, reason: "auth_failed", count: 1 }]);
  });

  test("are written with the first session", async () => {
    const b = await start();
    b.trail.loginFailed("u", 1, "auth_failed");
    await b.simulation.run(2_000);
    b.trail.opened(session("u", 7, 0));
    await b.simulation.run(2_000);
    expect(b.store.get(trailTable, GLOBAL_SHARD, "u")).toMatchObject({ loginFailures: [{ count: 1 }], sessions: [{}] });
    expect(b.trail.of("u").loginFailures).toMatchObject([{ count: 1 }]);
  });
});

describe("pushes that did not go as usual", () => {
  const run = { channel: { type: 2, id: "g" }, log: "chat", firstSeq: 1, lastSeq: 2, resends: 0, atMs: 1 } as const;

  test("are noted for the user of the session", async () => {
    const b = await start();
    b.trail.opened(session("u", 7, 0));
    b.trail.exceptions(7, [{ kind: "given_up", ...run }], 3);
    b.trail.exceptions(8, [{ kind: "given_up", ...run }], 0);
    expect(b.trail.of("u")).toMatchObject({
      sessions: [{ id: 7, untold: 3 }],
      pushes: [{ kind: "given_up", sessionId: 7, boot: b.trail.boot }],
    });
  });

  test("that reach nobody are noted for the server", async () => {
    const b = await start();
    for (const seq of [4, 5, 0]) b.trail.notPushed(storedMessage({ seq }));
    expect(b.trail.ofServer().pushes).toMatchObject([{ kind: "not_pushed", firstSeq: 4, lastSeq: 5 }]);
  });

  test("that find no room leave a mark on whatever they were of", async () => {
    const b = await start({ waitingMax: 2 });
    b.trail.opened(session("u", 7, 0));
    await b.simulation.run(2_000);
    for (const uid of ["others", "fill the room"]) refuse(b.trail, uid, "n");
    b.trail.exceptions(7, [{ kind: "given_up", ...run }], 0);
    b.trail.notPushed(storedMessage({ seq: 4 }));
    expect(b.trail.noteOf(7)?.untold).toBe(1);
    expect(b.trail.ofServer().sessions).toMatchObject([{ untold: 1 }]);
  });
});
