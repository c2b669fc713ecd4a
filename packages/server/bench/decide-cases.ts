/** The whole road of a send without sockets and disk: gather, decide, commit to memory, answer. */
import type { MicroCase } from "@wukong-ts/bench";
import { ChannelCache } from "../src/messaging/channel-cache.ts";
import { Conversations } from "../src/messaging/conversations.ts";
import { IdGenerator } from "../src/messaging/ids.ts";
import type { SendRequest } from "../src/messaging/send.ts";
import { Sender } from "../src/messaging/sending.ts";
import { Store } from "../src/store/store.ts";
import { createRealWorld } from "../src/world/real/real-world.ts";
import { MemoryEngine } from "./memory-engine.ts";

const BATCH = 50;
const BOUNDS = { countMax: 100_000, bytesMax: 1 << 28 };
const SUCCESS = 1;

export async function decideCases(): Promise<readonly MicroCase[]> {
  const sender = await openSender();
  let number = 0;
  let stranger = 0;
  const requests = (count: number, receiverOf: (index: number) => string): readonly SendRequest[] =>
    Array.from({ length: count }, (_, index) => ({
      origin: "client",
      session: 0,
      fromUid: `user-1${index}`,
      addressedTo: { type: 1, id: receiverOf(index) },
      clientSeq: 1,
      clientMsgNo: `0b9c7c1e-8a3f-4b5c-9d0e-${String(++number).padStart(12, "0")}`,
      flags: 2,
      setting: 0,
      expireSeconds: 0,
      topic: "",
      payload: Buffer.alloc(100, "x"),
    }));
  const send = async (count: number, receiverOf: (index: number) => string): Promise<void> => {
    for (let batch = 0; batch < count; batch++) await answered(sender, requests(BATCH, receiverOf));
  };
  return [
    {
      name: "send to a known person, 50 at a time",
      units: BATCH,
      run: (count) => send(count, (index) => `user-2${index}`),
    },
    {
      name: "send to a new person, 50 at a time",
      units: BATCH,
      run: (count) => send(count, () => `stranger-${++stranger}`),
    },
  ];
}

function answered(sender: Sender, requests: readonly SendRequest[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = requests.length;
    sender.send(requests, {
      answered: (_, result) => {
        if (result.reason !== SUCCESS) reject(new Error(`refused with reason ${result.reason}`));
        else if (--open === 0) resolve();
      },
    });
  });
}

async function openSender(): Promise<Sender> {
  const engine = new MemoryEngine();
  const world = { ...createRealWorld(), openEngine: () => Promise.resolve(engine) };
  const store = await Store.open({
    world,
    directory: "memory",
    limits: { writeBytesMax: 1 << 24, queueBytesMax: 1 << 26, queueBatchesMax: 65_536 },
    keyFilterBytesMax: 1 << 26,
    stateChanged: () => undefined,
  });
  const channels = new ChannelCache(store, BOUNDS);
  return new Sender({
    clock: world.clock,
    store,
    channels,
    conversations: new Conversations(store, BOUNDS),
    ids: new IdGenerator(world.clock, 1),
    isSystem: () => false,
    trail: { refused: () => undefined },
    failed: (error) => {
      throw error;
    },
    deliver: () => undefined,
    isDeliveryFull: () => false,
    options: { personAllowListOff: true, payloadBytesMax: 1 << 20, batchBytesMax: 1 << 22 },
  });
}
