import { expect, test } from "vitest";
import { IdGenerator } from "../messaging/ids.ts";
import { type MessageId, NO_ID, type StoredMessage } from "../messaging/message.ts";
import { silentLog } from "../observe/log.ts";
import { createBatch, put } from "../store/batch.ts";
import { putMessageIds } from "../store/message-ids.ts";
import { shardOfChannel } from "../store/shards.ts";
import { Store } from "../store/store.ts";
import { messageTable } from "../store/tables.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import type { HttpPost } from "../world/world.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Webhooks, type WebhooksOptions } from "./webhooks.ts";

const OPTIONS: WebhooksOptions = {
  httpAddress: "http://main/",
  grpcAddress: null,
  agentHttpAddress: "",
  secret: "",
  focusEvents: [],
  pushIntervalMs: 10,
  messagesPerPush: 1,
  triesMax: 2,
  pauseLongestMs: 1_000,
  requestsMax: 4,
  memoryBytesMax: 1 << 20,
  lagAgeMsMax: 60_000,
};

class Bench {
  readonly simulation: Simulation = createSimulatedWorld({ seed: 1 });
  readonly posted: HttpPost[] = [];
  status: (request: HttpPost) => number | undefined = () => 200;
  store!: Store;
  webhooks!: Webhooks;
  #ids!: IdGenerator;
  #seq = 0;

  static async start(options: Partial<WebhooksOptions> = {}): Promise<Bench> {
    const bench = new Bench();
    const { simulation } = bench;
    const { world } = simulation;
    simulation.receive((request) => {
      bench.posted.push(request);
      const status = bench.status(request);
      return status === undefined ? undefined : { status, body: new Uint8Array(0) };
    });
    bench.store = await simulation.settle(
      Store.open({
        world,
        directory: "/data/db",
        limits: { writeBytesMax: 1 << 20, queueBytesMax: 1 << 24, queueBatchesMax: 1000 },
        keyFilterBytesMax: 1 << 20,
        stateChanged: () => undefined,
      }),
    );
    const { store } = bench;
    const ids = new IdGenerator(world.clock, 1);
    bench.#ids = ids;
    const bounds = { countMax: 10, bytesMax: 10_000 };
    const deadLetters = await simulation.settle(DeadLetters.load({ store, clock: world.clock, ids, options: bounds }));
    bench.webhooks = await simulation.settle(
      Webhooks.start({ world, feed: store.feed, deadLetters, log: silentLog, options: { ...OPTIONS, ...options } }),
    );
    return bench;
  }

  append(text: string, type = 2): StoredMessage {
    const seq = ++this.#seq;
    const channel = { type, id: type === 11 ? "ann@bot" : "team" };
    const batch = createBatch(shardOfChannel(channel));
    const message: StoredMessage = {
      id: this.#ids.next(),
      seq,
      countedTotal: seq,
      timeSeconds: 1,
      channel,
      log: "chat",
      fromUid: "ann",
      clientMsgNo: text,
      session: 0,
      flags: 2,
      setting: 0,
      expireSeconds: 0,
      topic: "",
      payload: new Uint8Array(1),
    };
    put(batch, messageTable, { channel, log: "chat", seq }, message);
    batch.messages.push(message);
    putMessageIds(batch);
    this.store.commit(batch, () => this.store.feed.announce(batch.shard, batch.messages));
    return message;
  }

  become(message: StoredMessage) {
    return this.webhooks.stateOf(message);
  }

  async letters(): Promise<readonly MessageId[]> {
    const rows = await this.simulation.settle(this.webhooks.deadLetters.list(NO_ID, 10));
    return rows.map(({ id }) => id);
  }
}

function tellsOf(text: string): (request: HttpPost) => boolean {
  return ({ body }) => Buffer.from(body).includes(text);
}

test("what has become of a message's event is known at every moment", async () => {
  const bench = await Bench.start();
  bench.status = () => undefined;
  const message = bench.append("good");
  const bad = bench.append("bad");
  await bench.simulation.run(1_000);
  expect([bench.become(message), bench.become(bad)]).toEqual(["waiting", "waiting"]);
  bench.status = (request) => (tellsOf("bad")(request) ? 400 : 200);
  await bench.simulation.run(10_000);
  expect([bench.become(message), bench.become(bad)]).toEqual(["delivered", "dead"]);
  expect(bench.webhooks.state()).toMatchObject({
    followers: [{ name: "webhook.notify", lagMessages: 0, oldestAgeMs: 0 }],
    receivers: [{ name: "webhook", taken: 1, laidAside: 1, isDown: false }],
    deadLetters: { count: 1 },
  });
});

test("without a receiver, or without interest in the event, nobody is told and nothing follows", async () => {
  for (const options of [{ httpAddress: "" }, { focusEvents: ["msg.offline"] }]) {
    const bench = await Bench.start(options);
    const message = bench.append("text");
    await bench.simulation.run(1_000);
    expect(bench.posted).toEqual([]);
    expect(bench.become(message)).toBe("off");
    expect(await bench.simulation.settle(bench.webhooks.replay("", { timeMs: 0 }))).toBe(false);
    expect(bench.webhooks.sender?.wants("msg.notify") ?? false).toBe(false);
  }
});

test("messages of agent channels have a follower of their own", async () => {
  const bench = await Bench.start({ agentHttpAddress: "http://agent/" });
  bench.status = ({ url }) => (url.startsWith("http://agent/") ? undefined : 200);
  const group = bench.append("to the group");
  const agent = bench.append("to the agent", 11);
  await bench.simulation.run(5_000);
  expect([bench.become(group), bench.become(agent)]).toEqual(["delivered", "waiting"]);
  bench.status = () => 200;
  await bench.simulation.run(5_000);
  expect(bench.become(agent)).toBe("delivered");
  expect(bench.posted.filter(tellsOf("to the agent")).every(({ url }) => url.startsWith("http://agent/"))).toBe(true);
});

test("a dead letter that is sent again while its receiver is down does not wait for it", async () => {
  const bench = await Bench.start();
  bench.status = () => 400;
  bench.append("bad");
  await bench.simulation.run(10_000);
  const ids = await bench.letters();
  expect(ids).toHaveLength(1);
  bench.status = () => undefined;
  bench.append("later");
  await bench.simulation.run(5_000);
  const tried = bench.posted.length;
  expect(await bench.simulation.settle(bench.webhooks.retry(ids))).toMatchObject({ delivered: 0, failed: 1 });
  expect(bench.posted.slice(tried).filter(tellsOf("bad"))).toEqual([]);
  bench.status = () => 200;
  await bench.simulation.run(5_000);
  expect(await bench.simulation.settle(bench.webhooks.retry(ids))).toEqual({ delivered: 1, failed: 0, reason: "" });
  expect(await bench.letters()).toEqual([]);
});

test("when it stops, what is not delivered is delivered in the next life", async () => {
  const bench = await Bench.start();
  bench.status = () => undefined;
  const message = bench.append("text");
  await bench.simulation.run(3_000);
  await bench.simulation.settle(bench.webhooks.stop());
  expect(bench.become(message)).toBe("waiting");
});

test("a replay of all is one of msg.notify: other followers are asked for by name", async () => {
  const bench = await Bench.start();
  const handled: StoredMessage[] = [];
  const follower = {
    name: "webhook.other",
    messagesMax: 10,
    lingerMs: 0,
    bytesMax: 1 << 20,
    handle: (_shard: number, messages: readonly StoredMessage[]) => {
      handled.push(...messages);
      return Promise.resolve();
    },
  };
  await bench.simulation.settle(bench.webhooks.follow(follower, "now"));
  bench.append("text");
  await bench.simulation.run(1_000);
  expect([handled.length, bench.posted.length]).toEqual([1, 1]);
  expect(await bench.simulation.settle(bench.webhooks.replay("", { timeMs: 0 }))).toBe(true);
  await bench.simulation.run(1_000);
  expect([handled.length, bench.posted.length]).toEqual([1, 2]);
  expect(await bench.simulation.settle(bench.webhooks.replay("webhook.other", { timeMs: 0 }))).toBe(true);
  await bench.simulation.run(1_000);
  expect([handled.length, bench.posted.length]).toEqual([2, 2]);
});
