import { describe, expect, test } from "vitest";
import { createBatch, put } from "../store/batch.ts";
import { putMessageIds } from "../store/message-ids.ts";
import { shardOfChannel } from "../store/shards.ts";
import { Store } from "../store/store.ts";
import { headTable, messageTable } from "../store/tables.ts";
import { createSimulatedWorld } from "../world/simulated/simulated-world.ts";
import { ChannelCache } from "./channel-cache.ts";
import type { HistoryPage } from "./history.ts";
import { EMPTY_HEAD, type StoredMessage } from "./message.ts";
import { MessageHistory } from "./message-history.ts";

const channel = { type: 2, id: "g" };
const shard = shardOfChannel(channel);

function message(seq: number, more: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: { high: 100, low: seq },
    seq,
    countedTotal: seq,
    timeSeconds: 1_767_225_000,
    channel,
    log: "chat",
    fromUid: "a",
    clientMsgNo: `n${seq}`,
    session: 0,
    flags: 2,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: new Uint8Array(10),
    ...more,
  };
}

async function historyOf(messages: readonly StoredMessage[]) {
  const simulation = createSimulatedWorld({ seed: 1 });
  const limits = { writeBytesMax: 1e9, queueBytesMax: 1e9, queueBatchesMax: 1e9 };
  const options = {
    world: simulation.world,
    directory: "/d",
    limits,
    keyFilterBytesMax: 1 << 20,
    stateChanged: () => undefined,
  };
  const store = await simulation.settle(Store.open(options));
  const batch = createBatch(shard);
  for (const each of messages) {
    put(batch, messageTable, each, each);
    batch.messages.push(each);
  }
  putMessageIds(batch);
  put(batch, headTable, { channel, log: "chat" }, { ...EMPTY_HEAD, seq: messages.length, firstSeq: 1 });
  await simulation.settle(store.committed(batch));
  const channels = new ChannelCache(store, { countMax: 10, bytesMax: 1e6 });
  const history = new MessageHistory(store, channels, simulation.world.clock);
  return { history, settle: <Value>(promise: Promise<Value>) => simulation.settle(promise) };
}

const seqs = (messages: readonly StoredMessage[]): number[] => messages.map((each) => each.seq);
const upTo = (count: number): StoredMessage[] => Array.from({ length: count }, (_, index) => message(index + 1));

describe("a page of history", () => {
  test.each([
    // direction, start, end, limit, seqs of 30 messages
    ["down", 0, 0, 3, [28, 29, 30]],
    ["up", 0, 0, 3, [28, 29, 30]],
    ["up", 5, 0, 3, [5, 6, 7]],
    ["up", 5, 7, 10, [5, 6]],
    ["up", 0, 3, 10, [1, 2]],
    ["up", 40, 0, 10, []],
    ["down", 10, 0, 3, [8, 9, 10]],
    ["down", 10, 7, 10, [8, 9, 10]],
    ["down", 2, 0, 10, [1, 2]],
    ["down", 100, 0, 2, [29, 30]],
    ["down", 7, 10, 10, []],
    ["down", 30, 0, 30, seqs(upTo(30))],
  ] as const)("%s from %i to %i, at most %i", async (direction, startSeq, endSeq, limit, expected) => {
    const { history, settle } = await historyOf(upTo(30));
    const page: HistoryPage = { channel, log: "chat", startSeq, endSeq, limit, direction };
    const { messages, isCut } = await settle(history.page(page));
    expect(seqs(messages)).toEqual(expected);
    expect(isCut).toBe(false);
  });

  test("of an unknown channel, or of the other log, is empty", async () => {
    const { history, settle } = await historyOf(upTo(3));
    const page = { startSeq: 0, endSeq: 0, limit: 10, direction: "up" } as const;
    expect((await settle(history.page({ ...page, channel: { type: 2, id: "x" }, log: "chat" }))).messages).toEqual([]);
    expect((await settle(history.page({ ...page, channel, log: "command" }))).messages).toEqual([]);
  });

  test("of messages too large for one answer keeps the end that was asked for, and says that it is cut", async () => {
    const large = Array.from({ length: 60 }, (_, index) => message(index + 1, { payload: new Uint8Array(1 << 20) }));
    const { history, settle } = await historyOf(large);
    const ask = (direction: "up" | "down", startSeq: number) =>
      settle(history.page({ channel, log: "chat", startSeq, endSeq: 0, limit: 100, direction }));
    const up = await ask("up", 1);
    expect([up.isCut, up.messages[0]?.seq, up.messages.length < 60]).toEqual([true, 1, true]);
    expect(seqs(up.messages)).toEqual(seqs(upTo(up.messages.length)));
    const down = await ask("down", 60);
    expect([down.isCut, down.messages.at(-1)?.seq, down.messages.length < 60]).toEqual([true, 60, true]);
  });

  test("leaves out what has expired", async () => {
    const some = [message(1), message(2, { expireSeconds: 1 }), message(3, { expireSeconds: 1e9 })];
    const { history, settle } = await historyOf(some);
    const { messages } = await settle(
      history.page({ channel, log: "chat", startSeq: 0, endSeq: 0, limit: 9, direction: "up" }),
    );
    expect(seqs(messages)).toEqual([1, 3]);
  });

  test("is filled up where some have expired, so that a full page still means that there may be more", async () => {
    const some = upTo(300).map((each) => message(each.seq, { expireSeconds: each.seq % 3 === 0 ? 1 : 0 }));
    const { history, settle } = await historyOf(some);
    const ask = (direction: "up" | "down", startSeq: number, endSeq: number, limit: number) =>
      settle(history.page({ channel, log: "chat", startSeq, endSeq, limit, direction }));
    expect(seqs((await ask("up", 2, 0, 4)).messages)).toEqual([2, 4, 5, 7]);
    expect(seqs((await ask("up", 2, 6, 4)).messages)).toEqual([2, 4, 5]);
    expect(seqs((await ask("down", 0, 0, 4)).messages)).toEqual([295, 296, 298, 299]);
    expect(seqs((await ask("down", 30, 25, 9)).messages)).toEqual([26, 28, 29]);
    const whole = await ask("up", 1, 0, 250);
    expect([whole.messages.length, whole.isCut]).toEqual([200, false]);
  });
});

test("a large message is found by its client number behind other large ones", async () => {
  const large = Array.from({ length: 60 }, (_, index) => message(index + 1, { payload: new Uint8Array(1 << 20) }));
  const { history, settle } = await historyOf(large);
  expect((await settle(history.byClientMsgNos(channel, "chat", ["n2"]))).get("n2")?.seq).toBe(2);
});

test("single messages are found by seq, by id and by client number, and nothing by what is not there", async () => {
  const { history, settle } = await historyOf(upTo(1500));
  expect(seqs(await settle(history.bySeqs(channel, "chat", [4, 0, 9999, 2])))).toEqual([4, 2]);
  expect(
    seqs(
      await settle(
        history.byIds([
          { high: 100, low: 7 },
          { high: 1, low: 1 },
          { high: 100, low: 3 },
        ]),
      ),
    ),
  ).toEqual([7, 3]);
  const found = await settle(history.byClientMsgNos(channel, "chat", ["n3", "", "nope", "n1400", "n3"]));
  expect([...found].map(([clientMsgNo, { seq }]) => [clientMsgNo, seq])).toEqual([
    ["n1400", 1400],
    ["n3", 3],
  ]);
});
