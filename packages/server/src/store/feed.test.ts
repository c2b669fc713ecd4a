import { describe, expect, test } from "vitest";
import { compareIds, IdGenerator, idTimeMs } from "../messaging/ids.ts";
import type { ChannelKey, StoredMessage } from "../messaging/message.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import type { World } from "../world/world.ts";
import { type Batch, createBatch, put, remove } from "./batch.ts";
import type { FirstPosition } from "./feed.ts";
import type { Follower, Following } from "./follower-run.ts";
import { putMessageIds } from "./message-ids.ts";
import { SHARD_COUNT, shardOfChannel } from "./shards.ts";
import { Store } from "./store.ts";
import { cursorTable, messageTable } from "./tables.ts";

const LIMITS = { writeBytesMax: 1 << 20, queueBytesMax: 1 << 24, queueBatchesMax: 10_000 };
const CHANNELS: readonly ChannelKey[] = Array.from({ length: 12 }, (_, n) => ({ type: 2, id: `g${n}` }));

/** Appends messages as a server does, over the lives of one simulated process. */
class Writer {
  readonly simulation: Simulation;
  store!: Store;
  readonly acknowledged = new Map<string, StoredMessage>();
  #ids!: IdGenerator;
  #seqs = new Map<string, number>();
  #doubtful: Batch[] = [];
  #last: StoredMessage["id"] = { high: 0, low: 0 };

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  async open(world: World = this.simulation.world): Promise<void> {
    this.store = await this.simulation.settle(
      Store.open({
        world,
        directory: "/data/db",
        limits: LIMITS,
        keyFilterBytesMax: 1 << 20,
        stateChanged: () => undefined,
      }),
    );
    this.#ids = new IdGenerator(world.clock, 1);
    this.#ids.continueAfter(this.#last);
    this.#seqs.clear();
    this.store.onReset(() => this.#reset());
    this.#doubtful = [];
    this.reload();
  }

  /** As `messaging` does: what a failed write has left on disk is announced when the store is open again. */
  #reset(): void {
    this.#seqs.clear();
    for (const { shard, messages } of this.#doubtful.splice(0)) {
      const stored = messages.filter(({ channel, log, seq, id }) => {
        const found = this.store.get(messageTable, shard, { channel, log, seq });
        return found !== undefined && compareIds(found.id, id) === 0;
      });
      this.store.feed.announce(shard, stored);
    }
  }

  /** After a failed write the seqs are those on disk. */
  reload(): void {
    if (this.store.state !== "open") return;
    for (const channel of CHANNELS) {
      if (this.#seqs.has(channel.id)) continue;
      let seq = 0;
      const at = (): unknown =>
        this.store.get(messageTable, shardOfChannel(channel), { channel, log: "chat", seq: seq + 1 });
      while (at() !== undefined) seq++;
      this.#seqs.set(channel.id, seq);
    }
  }

  /** One batch; it is announced and noted when it is durable. */
  append(channel: ChannelKey, count = 1, payloadBytes = 10): readonly StoredMessage[] {
    if (this.store.refusal() !== null || !this.#seqs.has(channel.id)) return [];
    const shard = shardOfChannel(channel);
    const batch = createBatch(shard);
    for (let n = 0; n < count; n++) {
      const seq = this.#seqs.get(channel.id)! + 1;
      this.#seqs.set(channel.id, seq);
      const id = this.#ids.next();
      this.#last = id;
      const message: StoredMessage = {
        id,
        seq,
        countedTotal: seq,
        timeSeconds: Math.floor(idTimeMs(id) / 1000),
        channel,
        log: "chat",
        fromUid: "ann",
        clientMsgNo: `${channel.id}-${seq}`,
        session: 0,
        flags: 2,
        setting: 0,
        expireSeconds: 0,
        topic: "",
        payload: new Uint8Array(payloadBytes),
      };
      put(batch, messageTable, { channel, log: "chat", seq }, message);
      batch.messages.push(message);
    }
    putMessageIds(batch);
    const { store } = this;
    store.commit(batch, (failure) => {
      if (failure !== null) {
        if (failure.outcome === "unknown") this.#doubtful.push(batch);
        return;
      }
      for (const message of batch.messages) this.acknowledged.set(nameOf(message), message);
      store.feed.announce(shard, batch.messages);
    });
    return batch.messages;
  }

  follow(reader: Reader, from: FirstPosition = "beginning"): Promise<Following> {
    return this.simulation.settle(
      this.store.feed.follow(reader, from, (error) => void reader.failures.push(String(error))),
    );
  }

  /** As after a crash: the seqs are read from disk again. */
  async crash(): Promise<void> {
    this.simulation.crash();
    await this.open(this.simulation.restart());
  }
}

function nameOf(message: StoredMessage): string {
  return `${message.channel.id}/${message.seq}/${message.id.high}.${message.id.low}`;
}

/** A follower that remembers all it was given, and how. */
class Reader implements Follower {
  readonly name: string;
  readonly messagesMax: number;
  readonly lingerMs: number;
  readonly bytesMax: number;
  readonly handled: StoredMessage[] = [];
  readonly sizes: number[] = [];
  readonly failures: string[] = [];
  readonly atWork = new Set<number>();
  readonly faults: string[] = [];
  act: (messages: readonly StoredMessage[]) => Promise<void> = async () => undefined;

  constructor(options: Partial<Pick<Follower, "name" | "messagesMax" | "lingerMs" | "bytesMax">> = {}) {
    this.name = options.name ?? "reader";
    this.messagesMax = options.messagesMax ?? 10;
    this.lingerMs = options.lingerMs ?? 0;
    this.bytesMax = options.bytesMax ?? 1 << 20;
  }

  async handle(shard: number, messages: readonly StoredMessage[]): Promise<void> {
    if (this.atWork.has(shard)) this.faults.push(`shard ${shard} twice at once`);
    if (messages.length === 0 || messages.length > this.messagesMax) this.faults.push(`${messages.length} at once`);
    if (messages.some((each) => shardOfChannel(each.channel) !== shard)) this.faults.push("of another shard");
    this.atWork.add(shard);
    try {
      await this.act(messages);
      this.handled.push(...messages);
      this.sizes.push(messages.length);
    } finally {
      this.atWork.delete(shard);
    }
  }

  get names(): readonly string[] {
    return this.handled.map(nameOf);
  }
}

async function opened(seed = 1, readDelayMs = 1): Promise<{ simulation: Simulation; writer: Writer }> {
  const simulation = createSimulatedWorld({ seed, readDelayMs });
  const writer = new Writer(simulation);
  await writer.open();
  return { simulation, writer };
}

describe("a follower", () => {
  test("gets what was there before it, and what comes after, each once and in order", async () => {
    const { simulation, writer } = await opened();
    for (const channel of CHANNELS) writer.append(channel, 25);
    await simulation.run(100);
    const reader = new Reader();
    const following = await writer.follow(reader);
    await simulation.until(() => reader.handled.length === 12 * 25);
    for (const channel of CHANNELS) writer.append(channel, 3);
    await simulation.until(() => reader.handled.length === 12 * 28);
    await simulation.run(100);
    expect(new Set(reader.names)).toEqual(new Set(writer.acknowledged.keys()));
    expect(reader.handled.length).toBe(writer.acknowledged.size);
    for (const channel of CHANNELS)
      expect(reader.handled.filter((each) => each.channel.id === channel.id).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 28 }, (_, index) => index + 1),
      );
    expect(reader.faults).toEqual([]);
    expect([following.lagMessages, following.isCounting, following.oldestMs]).toEqual([0, false, undefined]);
  });

  test("gets each once while it reads from a slow disk what is still being written", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { simulation, writer } = await opened(seed, 20);
      for (const channel of CHANNELS) writer.append(channel, 5);
      await simulation.run(100);
      const reader = new Reader();
      await writer.follow(reader);
      for (let n = 0; n < 100; n++) {
        writer.append(CHANNELS[n % CHANNELS.length]!, 2);
        await simulation.run(simulation.random.below(10));
      }
      await simulation.run(2_000);
      expect(reader.names.toSorted(), `seed ${seed}`).toEqual([...writer.acknowledged.keys()].toSorted());
    }
  });

  test("that is held up in some shards is given those of all others", async () => {
    const { simulation, writer } = await opened();
    for (const channel of CHANNELS) writer.append(channel, 5);
    await simulation.run(100);
    const reader = new Reader();
    reader.act = () => new Promise(() => undefined);
    await writer.follow(reader);
    await simulation.run(1_000);
    expect(reader.atWork).toEqual(new Set(CHANNELS.map(shardOfChannel)));
  });

  test("that begins now gets nothing older, also when it has handled nothing before a crash", async () => {
    const { simulation, writer } = await opened();
    writer.append(CHANNELS[0]!, 5);
    await simulation.run(50);
    const reader = new Reader();
    reader.act = () => new Promise(() => undefined);
    await writer.follow(reader, "now");
    const later = writer.append(CHANNELS[0]!, 2);
    await simulation.run(50);
    await writer.crash();
    const next = new Reader();
    await writer.follow(next, "now");
    await simulation.run(100);
    expect(next.names).toEqual(later.map(nameOf));
  });

  test("may begin where another one stands", async () => {
    const { simulation, writer } = await opened();
    const first = new Reader({ name: "first" });
    first.act = () => new Promise(() => undefined);
    await writer.follow(first, "now");
    const messages = writer.append(CHANNELS[0]!, 2);
    await simulation.run(50);
    const second = new Reader({ name: "second" });
    await writer.follow(second, { like: "first" });
    await simulation.run(50);
    expect(second.names).toEqual(messages.map(nameOf));
  });

  test("is not given again what it has handled, once its cursor was written", async () => {
    const { simulation, writer } = await opened();
    await writer.follow(new Reader());
    writer.append(CHANNELS[0]!, 5);
    await simulation.run(3_000);
    await writer.crash();
    const next = new Reader();
    await writer.follow(next);
    const later = writer.append(CHANNELS[0]!, 1);
    await simulation.run(100);
    expect(next.names).toEqual(later.map(nameOf));
  });

  test("writes its cursors when it stops, after what it is handling", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader();
    let finish: () => void = () => undefined;
    reader.act = () => new Promise((resolve) => (finish = resolve));
    const following = await writer.follow(reader);
    const [message] = writer.append(CHANNELS[0]!, 1);
    await simulation.until(() => reader.atWork.size === 1);
    const stopping = following.stop();
    await simulation.run(10);
    expect(following.isPast(shardOfChannel(CHANNELS[0]!), message!.id)).toBe(false);
    finish();
    await simulation.settle(stopping);
    expect(following.isPast(shardOfChannel(CHANNELS[0]!), message!.id)).toBe(true);
    expect(writer.store.get(cursorTable, shardOfChannel(CHANNELS[0]!), "reader")).toEqual(message!.id);
  });

  test("adds no write per message: its cursors are written at most once a second", async () => {
    const { simulation, writer } = await opened();
    await writer.follow(new Reader());
    let steps = 0;
    const commitStep = writer.store.commitStep.bind(writer.store);
    writer.store.commitStep = (batches, settled) => {
      steps++;
      commitStep(batches, settled);
    };
    for (let n = 0; n < 400; n++) {
      writer.append(CHANNELS[n % CHANNELS.length]!);
      await simulation.run(10);
    }
    expect(steps).toBeGreaterThan(1);
    expect(steps).toBeLessThanOrEqual(5);
  });

  test("that rejects gets the same messages again, after pauses, and other shards go on", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader();
    const bad = shardOfChannel(CHANNELS[0]!);
    let tries = 0;
    reader.act = async (messages) => {
      if (shardOfChannel(messages[0]!.channel) === bad && ++tries < 4) throw new Error("not now");
    };
    await writer.follow(reader);
    const startedMs = simulation.nowMs;
    writer.append(CHANNELS[0]!, 2);
    writer.append(CHANNELS.find((each) => shardOfChannel(each) !== bad)!, 1);
    await simulation.until(() => reader.handled.length === 1);
    expect(simulation.nowMs - startedMs).toBeLessThan(100);
    await simulation.until(() => reader.handled.length === 3);
    expect(reader.failures).toEqual(Array.from({ length: 3 }, () => "Error: not now"));
    // 50, 100 and 200 ms at least.
    expect(simulation.nowMs - startedMs).toBeGreaterThan(350);
  });

  test("waits for more messages as long as it said, and not when there are enough", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader({ lingerMs: 500, messagesMax: 10 });
    await writer.follow(reader);
    await simulation.run(50);
    writer.append(CHANNELS[0]!, 3);
    await simulation.run(300);
    writer.append(CHANNELS[0]!, 2);
    expect(reader.sizes).toEqual([]);
    await simulation.run(300);
    expect(reader.sizes).toEqual([5]);
    writer.append(CHANNELS[0]!, 10);
    await simulation.run(50);
    expect(reader.sizes).toEqual([5, 10]);
  });

  test("holds no more in memory than it may, and gets everything all the same", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader({ bytesMax: 20_000, messagesMax: 4 });
    let open = false;
    const waiting: (() => void)[] = [];
    let heldBytes = 0;
    let heldMost = 0;
    reader.act = async (messages) => {
      const bytes = messages.reduce((sum, each) => sum + each.payload.length, 0);
      heldBytes += bytes;
      heldMost = Math.max(heldMost, heldBytes);
      if (!open) await new Promise<void>((resolve) => waiting.push(resolve));
      heldBytes -= bytes;
    };
    const following = await writer.follow(reader);
    for (let n = 0; n < 300; n++) {
      writer.append(CHANNELS[n % CHANNELS.length]!, 2, 1000);
      await simulation.run(3);
    }
    await simulation.run(100);
    expect(reader.handled).toEqual([]);
    expect(following.lagMessages).toBe(600);
    open = true;
    for (const go of waiting) go();
    await simulation.until(() => reader.handled.length >= 600);
    await simulation.run(100);
    expect(reader.handled.length).toBe(600);
    // What four reads and one page too many may bring.
    expect(heldMost).toBeLessThan(50_000);
    expect(following.lagMessages).toBe(0);
  });

  test("tells how far it lags and since when: after a restart too", async () => {
    const { simulation, writer } = await opened();
    const blocked = new Reader();
    blocked.act = () => new Promise(() => undefined);
    await writer.follow(blocked);
    const [oldest] = writer.append(CHANNELS[3]!, 7);
    await simulation.run(5_000);
    for (const channel of CHANNELS) for (let n = 0; n < 30; n++) writer.append(channel, 1);
    await simulation.run(500);
    await writer.crash();
    const next = new Reader();
    next.act = blocked.act;
    const following = await writer.follow(next);
    await simulation.until(() => !following.isCounting);
    expect(following.lagMessages).toBe(7 + 12 * 30);
    expect(following.oldestMs).toBe(idTimeMs(oldest!.id));
    writer.append(CHANNELS[4]!, 5);
    await simulation.run(50);
    expect(following.lagMessages).toBe(7 + 12 * 30 + 5);
  });

  test("passes over what was deleted meanwhile", async () => {
    const { simulation, writer } = await opened();
    const messages = writer.append(CHANNELS[0]!, 40);
    await simulation.run(50);
    const batch = createBatch(shardOfChannel(CHANNELS[0]!));
    for (const { seq } of messages.slice(1, 38))
      remove(batch, messageTable, { channel: CHANNELS[0]!, log: "chat", seq });
    await simulation.settle(writer.store.committed(batch));
    const reader = new Reader();
    const following = await writer.follow(reader);
    await simulation.until(() => reader.handled.length === 3 && !following.isCounting);
    expect(reader.handled.map(({ seq }) => seq)).toEqual([1, 39, 40]);
    await simulation.run(50);
    expect(following.lagMessages).toBe(0);
  });
});

describe("a replay", () => {
  test("gives everything from a time or an id on again, and survives a crash at once", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader();
    const following = await writer.follow(reader);
    for (const channel of CHANNELS) writer.append(channel, 4);
    await simulation.run(2_000);
    const fromMs = simulation.world.clock.wallMs();
    const second = CHANNELS.flatMap((channel) => writer.append(channel, 3));
    await simulation.run(2_000);
    reader.handled.length = 0;
    await simulation.settle(following.replay({ timeMs: fromMs }));
    await simulation.run(1_000);
    expect(new Set(reader.names)).toEqual(new Set(second.map(nameOf)));
    expect(following.lagMessages).toBe(0);

    reader.act = () => new Promise(() => undefined);
    await simulation.settle(following.replay({ id: second[0]!.id }));
    await simulation.until(() => !following.isCounting);
    expect(following.lagMessages).toBe(second.length);
    await writer.crash();
    const next = new Reader();
    await writer.follow(next);
    await simulation.run(2_000);
    expect(new Set(next.names)).toEqual(new Set(second.map(nameOf)));
  });

  test("that comes while a portion is handled begins after it", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader();
    const following = await writer.follow(reader);
    const messages = writer.append(CHANNELS[0]!, 3);
    await simulation.run(2_000);
    let finish: () => void = () => undefined;
    reader.act = () => new Promise((resolve) => (finish = resolve));
    const later = writer.append(CHANNELS[0]!, 1);
    await simulation.until(() => reader.atWork.size === 1);
    await simulation.settle(following.replay({ id: messages[0]!.id }));
    expect(following.isPast(shardOfChannel(CHANNELS[0]!), messages[0]!.id)).toBe(false);
    reader.act = async () => undefined;
    finish();
    await simulation.run(2_000);
    expect(reader.names.slice(4)).toEqual([...messages, ...later].map(nameOf));
    expect(reader.faults).toEqual([]);
  });

  test("never goes forward", async () => {
    const { simulation, writer } = await opened();
    const reader = new Reader();
    reader.act = () => new Promise(() => undefined);
    const following = await writer.follow(reader);
    const [first] = writer.append(CHANNELS[0]!, 3);
    await simulation.run(100);
    await simulation.settle(following.replay({ timeMs: simulation.world.clock.wallMs() + 1e9 }));
    expect(following.isPast(shardOfChannel(CHANNELS[0]!), first!.id)).toBe(false);
  });
});

/** Slow, failing and restarted followers beside crashes, failed writes and clocks that go back. */
test("whatever happens, every durable message is handled at least once, in the order of its channel", async () => {
  const seeds = Number(process.env["WK_SEEDS"] ?? 100);
  const only = process.env["WK_SEED"];
  const first = only === undefined ? 1 : Number(only);
  const last = only === undefined ? seeds : first;
  for (let seed = first; seed <= last; seed++) {
    try {
      await playLife(seed);
    } catch (error) {
      throw new Error(`seed ${seed} (again with WK_SEED=${seed}): ${String(error)}`, { cause: error });
    }
  }
}, 600_000);

async function playLife(seed: number): Promise<void> {
  const { simulation, writer } = await opened(seed, seed % 2 === 0 ? 1 : 30);
  const { random } = simulation;
  const everHandled = new Set<string>();
  const bytesMax = random.chance(0.5) ? 3_000 : 1 << 20;
  const newReader = (): Reader => {
    const reader = new Reader({ bytesMax, messagesMax: 1 + random.below(12), lingerMs: random.chance(0.5) ? 0 : 20 });
    const lastOf = new Map<string, number>();
    reader.act = async (messages) => {
      if (random.chance(0.5)) {
        const delayMs = random.below(30);
        const { world } = simulation;
        await new Promise<void>((resolve) => world.timers.after(delayMs, resolve));
      }
      if (random.chance(0.05)) throw new Error("not now");
      for (const message of messages) {
        const before = lastOf.get(message.channel.id);
        // Again from an earlier place, or the next one: never over one.
        if (before !== undefined && message.seq > before + 1)
          reader.faults.push(`${nameOf(message)} follows ${before}`);
        lastOf.set(message.channel.id, message.seq);
        everHandled.add(nameOf(message));
      }
      if (random.chance(0.05)) throw new Error("not now");
    };
    return reader;
  };
  let reader = newReader();
  let following = await writer.follow(reader);
  for (let step = 0; step < 60; step++) {
    const dice = random.below(100);
    if (dice < 70) {
      const channel = CHANNELS[random.below(4)]!;
      writer.append(channel, 1 + random.below(6), random.below(200));
    } else if (dice < 76) simulation.failNextWrite();
    else if (dice < 80) simulation.stepWallClock(-random.below(100_000));
    else if (dice < 84) {
      expect(reader.faults).toEqual([]);
      await writer.crash();
      reader = newReader();
      following = await writer.follow(reader);
    } else if (dice < 88) {
      await simulation.settle(following.stop());
      reader = newReader();
      try {
        following = await writer.follow(reader);
      } catch {
        await simulation.until(() => writer.store.state === "open");
        following = await writer.follow(reader);
      }
    } else await simulation.run(random.below(200));
    writer.reload();
    await simulation.run(random.below(10));
  }
  await simulation.until(() => writer.store.state === "open");
  await simulation.run(500);
  await simulation.until(() => !following.isCounting && following.lagMessages === 0, 300_000);
  expect(reader.faults).toEqual([]);
  const missing = [...writer.acknowledged.keys()].filter((name) => !everHandled.has(name));
  expect(missing).toEqual([]);
  for (let shard = 0; shard < SHARD_COUNT; shard++)
    for (const message of writer.acknowledged.values())
      if (shardOfChannel(message.channel) === shard) expect(following.isPast(shard, message.id)).toBe(true);
  await simulation.settle(following.stop());
  await simulation.settle(writer.store.close());
}
