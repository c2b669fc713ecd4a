import { expect, test } from "vitest";
import { IdGenerator } from "../messaging/ids.ts";
import { type MessageId, NO_ID } from "../messaging/message.ts";
import { Store } from "../store/store.ts";
import { createSimulatedWorld, type Simulation } from "../world/simulated/simulated-world.ts";
import { DeadLetters, type DeadLettersOptions, type Refusal } from "./dead-letters.ts";

async function load(
  simulation: Simulation,
  options: DeadLettersOptions = { countMax: 100, bytesMax: 1000 },
): Promise<{ readonly store: Store; readonly letters: DeadLetters }> {
  const { world } = simulation;
  const store = await simulation.settle(
    Store.open({
      world,
      directory: "/data/db",
      limits: { writeBytesMax: 1 << 20, queueBytesMax: 1 << 24, queueBatchesMax: 1000 },
      keyFilterBytesMax: 1 << 20,
      stateChanged: () => undefined,
    }),
  );
  const ids = new IdGenerator(world.clock, 1);
  const letters = await simulation.settle(DeadLetters.load({ store, clock: world.clock, ids, options }));
  return { store, letters };
}

function refusal(id: string, messageIds: readonly MessageId[] = [], body = "[]"): Refusal {
  return {
    receiver: "webhook",
    event: { name: "msg.notify", id, body: Buffer.from(body), messageIds },
    reason: "HTTP 400",
    tries: 5,
  };
}

test("a letter that was added is there after a crash, in order, with its body", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { letters } = await load(simulation);
  expect(await simulation.settle(letters.add(refusal("e1", [{ high: 1, low: 5 }], "[1]")))).toBe(true);
  expect(await simulation.settle(letters.add(refusal("e2", [], "[2]")))).toBe(true);
  simulation.crash();
  simulation.restart();
  const next = (await load(simulation)).letters;
  expect([next.count, next.bytes]).toEqual([2, 6]);
  const [first, second] = await simulation.settle(next.list(NO_ID, 10));
  expect(first).toMatchObject({
    receiver: "webhook",
    eventName: "msg.notify",
    eventId: "e1",
    reason: "HTTP 400",
    tries: 5,
    bodyBytes: 3,
    messageIds: [{ high: 1, low: 5 }],
  });
  expect(await simulation.settle(next.list(first!.id, 10))).toEqual([second]);
  expect(await simulation.settle(next.list(NO_ID, 1))).toEqual([first]);
  expect(Buffer.from(next.find(second!.id)!.body).toString()).toBe("[2]");
});

test("an event that is refused again after a crash is the letter that is there, until that is discarded", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { letters } = await load(simulation);
  await simulation.settle(letters.add(refusal("e1")));
  expect(await simulation.settle(letters.add(refusal("e1")))).toBe(true);
  simulation.crash();
  simulation.restart();
  const next = (await load(simulation)).letters;
  expect(await simulation.settle(next.add(refusal("e1")))).toBe(true);
  expect(await simulation.settle(next.add({ ...refusal("e1"), receiver: "other" }))).toBe(true);
  const all = await simulation.settle(next.list(NO_ID, 10));
  expect(all.map(({ receiver, eventId }) => `${receiver} ${eventId}`)).toEqual(["webhook e1", "other e1"]);
  await simulation.settle(next.discard([all[0]!.id]));
  expect(next.count).toBe(1);
  await simulation.settle(next.add(refusal("e1")));
  expect(next.count).toBe(2);
});

test("beyond the bounds in count or bytes nothing is added, and what is discarded makes room", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { letters } = await load(simulation, { countMax: 2, bytesMax: 10 });
  expect(await simulation.settle(letters.add(refusal("big", [], "x".repeat(11))))).toBe(false);
  await simulation.settle(letters.add(refusal("e1")));
  await simulation.settle(letters.add(refusal("e2")));
  expect(await simulation.settle(letters.add(refusal("e3")))).toBe(false);
  const [first] = await simulation.settle(letters.list(NO_ID, 1));
  await simulation.settle(letters.discard([first!.id, { high: 9, low: 9 }]));
  expect([letters.count, letters.bytes]).toEqual([1, 2]);
  expect(letters.find(first!.id)).toBeUndefined();
  expect(await simulation.settle(letters.add(refusal("e3")))).toBe(true);
  const left = await simulation.settle(letters.list(NO_ID, 10));
  expect(left.map(({ eventId }) => eventId)).toEqual(["e2", "e3"]);
});

test("a letter is found by each of its messages", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { letters } = await load(simulation);
  const messageIds = [
    { high: 3, low: 7 },
    { high: 1, low: 5 },
    { high: 2, low: 9 },
  ];
  await simulation.settle(letters.add(refusal("e1", messageIds)));
  expect(messageIds.map((id) => letters.tellsOf(id))).toEqual([true, true, true]);
  expect(
    [
      { high: 1, low: 4 },
      { high: 2, low: 8 },
      { high: 3, low: 8 },
    ].map((id) => letters.tellsOf(id)),
  ).toEqual([false, false, false]);
});

test("a letter that could not be written takes no room", async () => {
  const simulation = createSimulatedWorld({ seed: 1 });
  const { letters } = await load(simulation);
  simulation.failNextWrite();
  await expect(simulation.settle(letters.add(refusal("e1")))).rejects.toThrow("the store failed to write");
  expect([letters.count, letters.bytes]).toEqual([0, 0]);
});
