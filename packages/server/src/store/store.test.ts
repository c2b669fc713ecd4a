import { describe, expect, test } from "vitest";
import { EMPTY_HEAD } from "../messaging/message.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import type { World } from "../world/world.ts";
import { createBatch, put, remove } from "./batch.ts";
import { StoreUnavailable } from "./commit-failure.ts";
import { type Engine, StoreOpenError } from "./engine.ts";
import { GLOBAL_SHARD, shardOfChannel } from "./shards.ts";
import { Store } from "./store.ts";
import { headTable, memberTable, systemTable, systemUidTable, tableRange } from "./tables.ts";

const GROUP = { type: 2, id: "team" };
const LIMITS = { writeBytesMax: 1 << 20, queueBytesMax: 1 << 24, queueBatchesMax: 1000 };

function open(simulation: Simulation, world: World = simulation.world): Promise<Store> {
  const options = {
    world,
    directory: "/data/db",
    limits: LIMITS,
    keyFilterBytesMax: 1 << 20,
    stateChanged: () => undefined,
  };
  return simulation.settle(Store.open(options));
}
async function opened(): Promise<{ readonly simulation: Simulation; readonly store: Store }> {
  const simulation = createSimulatedWorld({ seed: 1 });
  return { simulation, store: await open(simulation) };
}

describe("the data directory", () => {
  test("can be opened again, with what was committed", async () => {
    const { simulation, store } = await opened();
    const batch = createBatch(5);
    put(batch, headTable, { channel: GROUP, log: "chat" }, { ...EMPTY_HEAD, seq: 7 });
    await simulation.settle(store.committed(batch));
    await simulation.settle(store.close());
    const next = await open(simulation);
    expect(next.get(headTable, 5, { channel: GROUP, log: "chat" })?.seq).toBe(7);
    expect(next.get(headTable, 5, { channel: GROUP, log: "command" })).toBeUndefined();
    expect(next.get(headTable, 6, { channel: GROUP, log: "chat" })).toBeUndefined();
  });

  test.each([
    ["format", 2],
    ["format", 4],
    ["shards", 32],
  ])("of another %s is refused, and left alone for the program that can read it", async (name, value) => {
    const { simulation, store } = await opened();
    const batch = createBatch(GLOBAL_SHARD);
    put(batch, systemTable, name, value);
    await simulation.settle(store.committed(batch));
    await simulation.settle(store.close());
    await expect(open(simulation)).rejects.toBeInstanceOf(StoreOpenError);
    // It is not locked any more either.
    await expect(open(simulation)).rejects.toMatchObject({ code: "newer_format" });
  });
});

describe("reading", () => {
  test("sees a row when its commit has settled, and the last value of a key in a batch", async () => {
    const { simulation, store } = await opened();
    const batch = createBatch(1);
    for (const seq of [1, 2, 3]) put(batch, headTable, { channel: GROUP, log: "chat" }, { ...EMPTY_HEAD, seq });
    const committing = store.committed(batch);
    expect(store.get(headTable, 1, { channel: GROUP, log: "chat" })).toBeUndefined();
    await simulation.settle(committing);
    expect(store.get(headTable, 1, { channel: GROUP, log: "chat" })?.seq).toBe(3);
    const removing = createBatch(1);
    remove(removing, headTable, { channel: GROUP, log: "chat" });
    await simulation.settle(store.committed(removing));
    expect(store.get(headTable, 1, { channel: GROUP, log: "chat" })).toBeUndefined();
  });

  test("many rows at once answers each in its place, also those that are not there", async () => {
    const { simulation, store } = await opened();
    const at = (uid: string, shard = 2) => ({ shard, key: { channel: GROUP, uid } });
    const batch = createBatch(2);
    for (const uid of ["ann", "ben"]) put(batch, memberTable, at(uid).key, { uid, createdMs: 1 });
    await simulation.settle(store.committed(batch));
    const rows = await simulation.settle(store.getMany(memberTable, [at("ben"), at("cat"), at("ann", 3), at("ann")]));
    expect(rows.map((row) => row?.uid)).toEqual(["ben", undefined, undefined, "ann"]);
  });

  test("all of a range brings every row once, in key order, in as many pages as it takes", async () => {
    const { simulation, store } = await opened();
    const uids = Array.from({ length: 12_000 }, (_, index) => `robot-${`${index}`.padStart(5, "0")}`);
    for (let from = 0; from < uids.length; from += 4000) {
      const batch = createBatch(GLOBAL_SHARD);
      for (const uid of uids.slice(from, from + 4000)) put(batch, systemUidTable, uid, uid);
      await simulation.settle(store.committed(batch));
    }
    const range = tableRange(systemUidTable, GLOBAL_SHARD);
    expect(await simulation.settle(store.all(systemUidTable, range))).toEqual(uids);
    const newest = await simulation.settle(store.range(systemUidTable, { ...range, reverse: true, limit: 2 }));
    expect(newest).toEqual(uids.slice(-2).reverse());
  });

  test("a closed store says that it cannot be read now", async () => {
    const { simulation, store } = await opened();
    await simulation.settle(store.close());
    expect(() => store.get(systemTable, GLOBAL_SHARD, "format")).toThrow(StoreUnavailable);
    await expect(store.getMany(systemTable, [{ shard: 0, key: "format" }])).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

describe("a failed write", () => {
  test("raises the epoch and drops loaded objects before anybody is told", async () => {
    const { simulation, store } = await opened();
    const events: string[] = [];
    store.onReset(() => void events.push(`reset ${store.epoch}`));
    simulation.failNextWrite();
    const batch = createBatch(1);
    put(batch, systemTable, "x", 1);
    store.commit(batch, (failure) => void events.push(failure?.code ?? "durable"));
    await simulation.until(() => events.length === 2);
    expect(events).toEqual(["reset 1", "store_failed"]);
    expect(store.refusal()).toMatchObject({ code: "read_only", outcome: "refused" });
    expect(store.readOnlyBecause).toMatch(/simulated disk failed/);
    await simulation.until(() => store.state === "open");
    expect([store.epoch, store.refusal(), store.readOnlyBecause]).toEqual([2, null, null]);
  });
});

test("the feed tells every listener of each batch until it stops listening, and of none that is empty", async () => {
  const { store } = await opened();
  const heard: number[] = [];
  const stop = store.feed.tail((messages) => void heard.push(messages.length));
  store.feed.announce(0, []);
  store.feed.announce(0, [{} as never]);
  stop();
  store.feed.announce(0, [{} as never, {} as never]);
  expect(heard).toEqual([1]);
});

test("what is on the disk is found while and after the filter of keys is filled, and what is not is no longer looked for", async () => {
  const simulation = createSimulatedWorld({ seed: 3 });
  const first = await open(simulation);
  const channels = Array.from({ length: 3000 }, (_, n) => ({ type: 2, id: `g${n}` }));
  const key = (n: number) => ({ channel: channels[n]!, log: "chat" as const });
  for (const [n, channel] of channels.entries()) {
    const batch = createBatch(shardOfChannel(channel));
    put(batch, headTable, key(n), { ...EMPTY_HEAD, seq: n + 1 });
    first.commit(batch, () => undefined);
  }
  await simulation.settle(first.close());
  let gets = 0;
  const openEngine = async (directory: string): Promise<Engine> => {
    const engine = await simulation.world.openEngine(directory);
    const get = engine.get.bind(engine);
    engine.get = (asked) => {
      gets++;
      return get(asked);
    };
    return engine;
  };
  const store = await open(simulation, { ...simulation.world, openEngine });
  const absent = { channel: { type: 2, id: "nowhere" }, log: "chat" as const };
  const shardOf = (n: number): number => shardOfChannel(channels[n]!);
  for (let n = 0; n < channels.length; n++) {
    expect(store.get(headTable, shardOf(n), key(n))?.seq).toBe(n + 1);
    expect(store.get(headTable, shardOfChannel(absent.channel), absent)).toBeUndefined();
    await simulation.run(1);
  }
  await simulation.run(10_000);
  gets = 0;
  expect(store.get(headTable, shardOfChannel(absent.channel), absent)).toBeUndefined();
  expect(gets).toBe(0);
  await simulation.settle(store.close());
});

test("the filter of keys knows all that is on the disk, however few keys a range brings", async () => {
  const simulation = createSimulatedWorld({ seed: 4 });
  const first = await open(simulation);
  const channels = Array.from({ length: 1000 }, (_, n) => ({ type: 2, id: `g${n}` }));
  for (const channel of channels) {
    const batch = createBatch(shardOfChannel(channel));
    put(batch, headTable, { channel, log: "chat" }, { ...EMPTY_HEAD, seq: 1 });
    first.commit(batch, () => undefined);
  }
  await simulation.settle(first.close());
  const openEngine = async (directory: string): Promise<Engine> => {
    const engine = await simulation.world.openEngine(directory);
    const range = engine.range.bind(engine);
    engine.range = async (asked) => (await range(asked)).slice(0, 3);
    return engine;
  };
  const store = await open(simulation, { ...simulation.world, openEngine });
  await simulation.run(60_000);
  for (const channel of channels)
    expect(store.get(headTable, shardOfChannel(channel), { channel, log: "chat" })?.seq, channel.id).toBe(1);
  await simulation.settle(store.close());
});
