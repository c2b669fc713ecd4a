/** Every durable message is found by its id, whatever batches it came in, and no other id finds anything. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { StoredMessage } from "../messaging/message.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { createBatch } from "./batch.ts";
import { placeOfId, putMessageIds } from "./message-ids.ts";
import { shardOfChannel } from "./shards.ts";
import { Store } from "./store.ts";

const LIMITS = { writeBytesMax: 1 << 20, queueBytesMax: 1 << 24, queueBatchesMax: 1000 };

function messageAt(channelId: string, seq: number, low: number): StoredMessage {
  return {
    id: { high: 7, low },
    seq,
    countedTotal: seq,
    timeSeconds: 1,
    channel: { type: 2, id: channelId },
    log: "chat",
    fromUid: "a",
    clientMsgNo: "",
    session: 0,
    flags: 0,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: new Uint8Array(0),
  };
}

async function opened(keyFilterBytesMax: number) {
  const simulation = createSimulatedWorld({ seed: 1 });
  const open = () =>
    simulation.settle(
      Store.open({
        world: simulation.world,
        directory: "/data/db",
        limits: LIMITS,
        keyFilterBytesMax,
        stateChanged: () => undefined,
      }),
    );
  return { simulation, open };
}

test.each([
  ["with room for the filter", 1 << 22],
  ["without", 1],
])("%s, before and after a restart", async (_, keyFilterBytesMax) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.constantFrom("g1", "g2", "g3", "g4"), { minLength: 1, maxLength: 12 }), { maxLength: 12 }),
      async (turns) => {
        const { simulation, open } = await opened(keyFilterBytesMax);
        let store = await open();
        const seqs = new Map<string, number>();
        const sent: StoredMessage[] = [];
        for (const turn of turns) {
          const batches = new Map<number, ReturnType<typeof createBatch>>();
          for (const channelId of turn) {
            const seq = (seqs.get(channelId) ?? 0) + 1;
            seqs.set(channelId, seq);
            const message = messageAt(channelId, seq, 1000 + sent.length * 2);
            sent.push(message);
            const shard = shardOfChannel(message.channel);
            const batch = batches.get(shard) ?? createBatch(shard);
            batches.set(shard, batch);
            batch.messages.push(message);
          }
          for (const batch of batches.values()) {
            putMessageIds(batch);
            await simulation.settle(store.committed(batch));
          }
        }
        for (let restart = 0; restart < 2; restart++) {
          for (const { id, channel, seq } of sent) {
            expect(await simulation.settle(placeOfId(store, id))).toEqual({ channel, log: "chat", seq });
            const between = { high: id.high, low: id.low + 1 };
            expect(await simulation.settle(placeOfId(store, between))).toBeUndefined();
          }
          expect(await simulation.settle(placeOfId(store, { high: 7, low: 1 }))).toBeUndefined();
          await simulation.settle(store.close());
          store = await open();
          if (restart === 1) await simulation.run(10_000);
        }
        await simulation.settle(store.close());
      },
    ),
    { numRuns: 10 },
  );
});

test("a batch of very many messages has several rows", async () => {
  const { simulation, open } = await opened(1 << 22);
  const store = await open();
  const batch = createBatch(shardOfChannel({ type: 2, id: "g" }));
  for (let seq = 1; seq <= 2500; seq++) batch.messages.push(messageAt("g", seq, seq));
  putMessageIds(batch);
  expect(batch.keys).toHaveLength(3);
  await simulation.settle(store.committed(batch));
  for (const seq of [1, 1024, 1025, 2048, 2049, 2500])
    expect((await simulation.settle(placeOfId(store, { high: 7, low: seq })))?.seq).toBe(seq);
  expect(await simulation.settle(placeOfId(store, { high: 7, low: 2501 }))).toBeUndefined();
});
